"""Jobs by the real decisions, in processes of their own, on the small world."""

import csv
import hashlib
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import func, select

from serving.allocation.demand import Demand
from serving.allocation.programme import optimum
from serving.app import create_app
from serving.jobs import folder as folders
from serving.journal import Journal
from serving.journal.schema import CONTACTS, COUNTERS, DECISIONS
from serving.ledger.contact import Standing
from serving.settings import Settings, variables
from tests.conftest import settings_of

ROOT = Path(__file__).resolve().parents[3]
PAYS = {
    "levers": [
        {"name": "mail pays", "about": {"kind": "reward", "channel": "email"}, "money_minor": 90},
        {"name": "bread pays most", "about": {"offer": "reward-bread"}, "money_minor": 25},
    ]
}
SCARCE = PAYS | {"capacities": [{"name": "post office", "channel": "email", "most": 30}]}


@pytest.fixture
def place(small_store: Settings, tmp_path: Path) -> Callable[[dict[str, Any]], Settings]:
    """A folder of the small world's with this policy in force."""

    def make(policy: dict[str, Any]) -> Settings:
        shutil.copytree(small_store.source_dir, tmp_path / "files")
        settings = settings_of(tmp_path)
        (settings.source_dir / "policy.json").write_text(json.dumps(policy))
        return settings

    return make


def environment(settings: Settings) -> dict[str, str]:
    return {**os.environ, **variables(settings), "PYTHONPATH": str(ROOT)}


def batch(settings: Settings, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "serving.batch", *arguments]
    return subprocess.run(
        command, cwd=ROOT, env=environment(settings), capture_output=True, text=True, check=False, timeout=300
    )


def results(settings: Settings) -> list[dict[str, str]]:
    (folder,) = folders.every(settings.jobs_dir)
    with (folder.path / "results.csv").open(newline="") as opened:
        return list(csv.DictReader(opened))


def told(settings: Settings, *statements: Any) -> list[Any]:
    journal = Journal(settings.journal_uri)
    with journal.reading() as connection:
        found = [connection.execute(statement).scalar() for statement in statements]
    journal.close()
    return found


DECIDED = select(func.count()).select_from(DECISIONS)
GRANTED = select(func.count()).where(CONTACTS.c.standing == Standing.RESERVED.value)


@pytest.mark.slow
def test_a_job_decides_for_all_whom_its_condition_means_with_reservations_and_records(
    place: Callable[..., Settings],
) -> None:
    settings = place(PAYS)
    done = batch(settings, "--where", "feature.customer_purchases_120d > 1", "--kind", "reward", "--format", "csv")
    assert done.returncode == 0, done.stderr
    rows = results(settings)
    offered = [row for row in rows if row["offer_id"]]
    assert 50 < len(rows) < 200
    assert len(offered) > 50
    assert {row["channel"] for row in offered} == {"email"}
    assert told(settings, DECIDED, GRANTED) == [len(rows), len({row["contact_id"] for row in offered})]
    assert all(float(row["probability"]) == 1.0 and row["confirm_before"] for row in offered)


@pytest.mark.slow
def test_a_job_that_is_killed_goes_on_and_does_nothing_twice(place: Callable[..., Settings]) -> None:
    settings = place(SCARCE)
    command = [sys.executable, "-m", "serving.batch", "--kind", "reward", "--format", "csv"]
    killed = 0
    for least in (1, 101):
        running = subprocess.Popen(command, cwd=ROOT, env=environment(settings), stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 120
        while running.poll() is None and told_safely(settings) < least:
            assert time.monotonic() < deadline
            time.sleep(0.005)
        running.send_signal(signal.SIGKILL)
        running.wait()
        killed += running.returncode == -signal.SIGKILL
    (folder,) = folders.every(settings.jobs_dir)
    assert killed
    assert not folder.ended
    assert not folder.runs
    done = batch(settings)
    assert done.returncode == 0, done.stderr
    assert folder.progress().restarts == killed
    rows = results(settings)
    assert Counter(row["customer_id"] for row in rows).most_common(1)[0][1] == 1
    assert len(rows) == 200
    decisions, contacts, taken = told(settings, DECIDED, GRANTED, select(func.max(COUNTERS.c.taken)))
    assert (decisions, contacts, taken) == (200, 30, 30)
    assert sum(row["contact_id"] != "" for row in rows) == 30


def told_safely(settings: Settings) -> int:
    """How many were decided, as far as the journal is there."""
    if not Path(settings.journal_uri.removeprefix("sqlite:///")).exists():
        return 0
    try:
        return int(told(settings, DECIDED)[0])
    except Exception:
        return 0


@pytest.mark.slow
def test_a_job_begins_no_journal_that_would_know_of_no_objection(place: Callable[..., Settings]) -> None:
    settings = place(PAYS)
    for file in settings.origin_dir.glob("journal.db*"):
        file.unlink()
    done = batch(settings, "--kind", "reward")
    assert done.returncode == 2
    assert "there is no journal" in done.stderr
    assert not list(settings.origin_dir.glob("journal.db*"))


@pytest.mark.slow
def test_a_capacity_goes_to_those_who_gain_most_and_is_kept(place: Callable[..., Settings]) -> None:
    settings = place(PAYS)
    free = batch(settings, "--kind", "reward", "--format", "csv")
    assert free.returncode == 0, free.stderr
    scores = sorted((float(row["score_minor"]) for row in results(settings) if row["offer_id"]), reverse=True)
    shutil.rmtree(settings.jobs_dir)
    done = batch(settings, "--kind", "reward", "--format", "csv", "--capacity", "email=30")
    assert done.returncode == 0, done.stderr
    served = [row for row in results(settings) if row["offer_id"]]
    (folder,) = folders.every(settings.jobs_dir)
    about = json.loads(folder.manifest.read_text())["scarcity"]
    price = sum(about["prices"].values())
    reached = sum(float(row["score_minor"]) + price for row in served)
    best, _ = optimum(Demand(np.array(scores)[:, None], np.ones((1, 1)), np.array([30.0])))
    assert len(served) == 30
    assert reached >= 0.98 * best
    assert about["gap"] <= 0.005


@pytest.fixture
def service(place: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[TestClient, Settings]]:
    settings = place(PAYS)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.chdir(ROOT)
    with TestClient(create_app(settings)) as client:
        while client.get("/version").json()["catalogue"] is None:
            time.sleep(0.05)
        yield client, settings


@pytest.mark.slow
def test_a_job_is_asked_for_followed_and_fetched_over_http(service: tuple[TestClient, Settings]) -> None:
    client, _ = service
    ids = ["c001", "c002", "c003", "nobody", "c001", " "]
    asked = {"audience": {"customer_ids": ids}, "kind": "reward", "format": "csv", "channels": ["email"]}
    once = {"Idempotency-Key": "autumn"}
    answer = client.post("/v1/jobs", json=asked, headers=once)
    assert answer.status_code == 202, answer.text
    job_id, states = answer.json()["job_id"], [answer.json()["state"]]
    assert client.post("/v1/jobs", json=asked, headers=once).json()["job_id"] == job_id
    deadline = time.monotonic() + 120
    while (job := client.get(f"/v1/jobs/{job_id}").json())["state"] not in ("done", "failed"):
        states.append(job["state"])
        assert time.monotonic() < deadline, job
        time.sleep(0.1)
    assert list(dict.fromkeys(states)) == ["starting", "running"]
    assert (job["stage"], job["customers"], job["decided"], job["errors"]) == ("done", 4, 4, 2), job
    for file in job["files"]:
        body = client.get(f"/v1/jobs/{job_id}/files/{file['name']}").content
        assert hashlib.sha256(body).hexdigest() == file["sha256"]
    rows = list(csv.DictReader(io.StringIO(client.get(f"/v1/jobs/{job_id}/files/results.csv").text)))
    assert [row["customer_id"] for row in rows] == ["c001", "c002", "c003", "nobody"]
    decision = client.get(f"/v1/decisions/{rows[0]['decision_id']}").json()
    assert decision["answer"]["items"][0]["contact_id"] == rows[0]["contact_id"]
    again = client.post(f"/v1/jobs/{job_id}/resume")
    assert (again.status_code, again.json()["stage"]) == (202, "done")
    for path in ("/v1/jobs/none", f"/v1/jobs/{job_id}/files/order.json", f"/v1/jobs/{job_id}/files/..%2Flock"):
        assert client.get(path).status_code == 404


def test_what_there_is_not_is_refused_with_pointers(service: tuple[TestClient, Settings]) -> None:
    client, settings = service
    wrong = {"kind": "none", "channels": ["pigeon"], "capacities": {"owl": 3}, "audience": {"file": "none.csv"}}
    answer = client.post("/v1/jobs", json=wrong)
    assert answer.status_code == 422
    pointers = [fault["pointer"] for fault in answer.json()["errors"]]
    assert pointers == ["/kind", "/channels/0", "/capacities/owl", "/audience/file"]
    for audience in (
        {"where": "profile.shoe_size > 3"},
        {"file": "../../x.csv"},
        {},
        {"where": "True", "file": "a.csv"},
    ):
        assert client.post("/v1/jobs", json={"audience": audience}).status_code == 422
    assert folders.every(settings.jobs_dir) == []
