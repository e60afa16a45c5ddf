"""What an e-mail says while it is being sent; over HTTP. The shop's letters stand for e-mails."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import func, select

from features.clock import SimulatedClock
from features.domain import HOUR, Instant
from serving.accept import accept
from serving.journal import Journal
from serving.journal.schema import CONTACTS, DECISIONS
from serving.settings import Settings, variables
from tests.conftest import settings_of
from tests.databases import postgres, postgres_uri
from tests.serving.test_punctual import DEADLINE_MS, HOLD, SlowStore

__all__ = ["postgres", "postgres_uri"]
ROOT = Path(__file__).resolve().parents[2]
ASK = {"campaign": "autumn", "send": "1", "channel": "direct_mail", "kind": "promotion"}
NEUTRAL = {"neutral_title": "News from the shop", "neutral_body": "Come and see."}


@pytest.fixture
def clock(now: Instant) -> SimulatedClock:
    return SimulatedClock(now)


@pytest.fixture
def service(client: Callable[..., TestClient], place: Path, clock: SimulatedClock) -> TestClient:
    (place / "policy.json").write_text(json.dumps(NEUTRAL))
    return client(clock=clock)


@pytest.fixture
def counted(place: Path) -> Iterator[Callable[[], tuple[int, int]]]:
    """How many decisions and contacts there are."""
    journal = Journal(f"sqlite:///{place / 'journal.db'}")

    def count() -> tuple[int, int]:
        with journal.reading() as connection:
            decisions, contacts = (
                connection.execute(select(func.count()).select_from(table)).scalar_one()
                for table in (DECISIONS, CONTACTS)
            )
        return decisions, contacts

    yield count
    journal.close()


def sent(service: TestClient, customer: str = "ann", **other: str) -> dict[str, Any]:
    answer = service.get(f"/v1/customers/{customer}/offers", params=ASK | other)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def consents(service: TestClient, purpose: str, granted: bool) -> None:
    said = {"purpose": purpose, "granted": granted, "source": "form"}
    answer = service.post("/v1/customers/ann/consents", json=said)
    assert answer.status_code == 200, answer.text


def known(service: TestClient) -> None:
    event = {"source": "till", "event_id": "1", "customer_id": "ann", "kind": "visited", "channel": "app"}
    assert service.post("/v1/events", json=event).json()["accepted"] == 1


def test_the_same_send_gets_the_same_answer_and_another_one_its_own(
    service: TestClient, counted: Callable[[], tuple[int, int]]
) -> None:
    first = sent(service)
    assert [item["offer_id"] for item in first["items"]] == ["promo-tea"]
    assert (first["title"], first["neutral"], first["fallback"], first["recorded"]) == (
        "promotion tea",
        False,
        False,
        True,
    )
    assert all(sent(service) == first for _ in range(3))
    assert counted() == (1, 1)
    assert sent(service, send="2")["decision_id"] != first["decision_id"]
    assert sent(service, campaign="spring")["contact_id"] != first["contact_id"]
    assert counted() == (3, 3)


def test_the_contact_counts_from_the_answer_on_and_can_be_given_back(
    service: TestClient, clock: SimulatedClock
) -> None:
    first = sent(service)
    clock.advance(HOUR // 4)
    again = service.post(f"/v1/contacts/{first['contact_id']}/confirm")
    assert (again.status_code, again.json()["standing"]) == (200, "confirmed")
    assert sent(service) == first
    assert service.post(f"/v1/contacts/{first['contact_id']}/release").status_code == 200
    after = sent(service)
    assert (after["neutral"], after["fallback_reasons"]) == (True, ["contact_released"])
    assert after["title"] == NEUTRAL["neutral_title"]


def test_what_is_decided_is_for_now_and_kept_like_any_decision(service: TestClient) -> None:
    first = sent(service)
    record = service.get(f"/v1/decisions/{first['decision_id']}").json()
    assert record["answer"]["items"][0]["moment"] == record["answer"]["decided_at"] == first["decided_at"]
    assert record["request"]["channels"] == ["direct_mail"]


def test_a_consent_that_goes_takes_the_offer_with_it(service: TestClient) -> None:
    known(service)
    first = sent(service)
    consents(service, "marketing", False)
    after = sent(service)
    assert (after["neutral"], after["fallback_reasons"], after["items"]) == (True, ["consent_gone"], [])
    assert (after["title"], after["body"]) == (NEUTRAL["neutral_title"], NEUTRAL["neutral_body"])
    consents(service, "marketing", True)
    assert sent(service) == first


def test_an_offer_that_ends_is_no_longer_told(service: TestClient, clock: SimulatedClock) -> None:
    assert not sent(service)["neutral"]
    clock.advance(HOUR)
    assert sent(service)["fallback_reasons"] == ["offer_gone"]


def test_silence_is_an_answer_of_the_policy_s_words(
    service: TestClient, counted: Callable[[], tuple[int, int]]
) -> None:
    known(service)
    consents(service, "marketing", False)
    found = sent(service)
    assert (found["neutral"], found["fallback"], found["recorded"]) == (True, False, True)
    assert found["title"] == NEUTRAL["neutral_title"]
    assert sent(service) == found
    assert counted() == (1, 0)


@pytest.mark.parametrize("customer", ["nobody", "n" * 128])
def test_whoever_is_unknown_gets_the_neutral_words_and_nothing_is_recorded(
    service: TestClient, counted: Callable[[], tuple[int, int]], customer: str
) -> None:
    found = sent(service, customer)
    assert (found["neutral"], found["fallback_reasons"], found["recorded"]) == (True, ["customer_unknown"], False)
    assert counted() == (0, 0)


def test_an_erased_customer_is_unknown(service: TestClient, store: Any) -> None:
    known(service)
    assert not sent(service)["neutral"]
    assert service.delete("/v1/customers/ann").status_code == 200
    store._values.clear()  # the memory that stands for the file of values
    assert sent(service)["fallback_reasons"] == ["customer_unknown"]


def test_without_a_model_the_offer_is_by_popularity_and_flagged(client: Callable[..., TestClient], place: Path) -> None:
    (place / "policy.json").write_text(
        json.dumps(NEUTRAL | {"levers": [{"name": "push", "about": {"kind": "promotion"}, "money_minor": 500}]})
    )
    (place / "champion.json").unlink()
    found = sent(client())
    assert found["fallback"]
    assert found["fallback_reasons"] == ["model_missing"]
    assert not found["neutral"]


def test_without_the_journal_the_answer_is_neutral_and_200(client: Callable[..., TestClient], place: Path) -> None:
    (place / "policy.json").write_text(json.dumps(NEUTRAL))
    service = client(journal=Journal("postgresql://nobody@127.0.0.1:1/none"))
    answer = service.get("/v1/customers/ann/offers", params=ASK)
    assert answer.status_code == 200
    assert answer.json()["fallback_reasons"] == ["journal_unavailable"]
    assert (answer.json()["title"], answer.json()["recorded"]) == (NEUTRAL["neutral_title"], False)
    assert answer.headers["Cache-Control"] == "no-store"


def test_answers_may_be_kept_by_the_sender_for_a_minute(service: TestClient) -> None:
    answer = service.get("/v1/customers/ann/offers", params=ASK)
    assert answer.headers["Cache-Control"] == "private, max-age=60"
    assert answer.headers["Vary"] == "Authorization"


@pytest.mark.parametrize(
    ("customer", "other", "code"),
    [
        ("ann@example.org", {}, "personal_data_in_url"),
        ("+491711234567", {}, "personal_data_in_url"),
        ("ann", {"send": "ann@example.org"}, "personal_data_in_url"),
        ("ann", {"channel": "pigeon"}, "unknown_name"),
        ("ann", {"kind": "none"}, "unknown_name"),
        ("ann", {"campaign": ""}, "invalid_request"),
        ("ann", {"limit": "0"}, "invalid_request"),
    ],
)
def test_an_address_that_is_not_well_formed_is_refused(
    service: TestClient, customer: str, other: dict[str, str], code: str
) -> None:
    answer = service.get(f"/v1/customers/{customer}/offers", params=ASK | other)
    assert (answer.status_code, answer.json()["code"]) == (422, code)


WORKER = """
import json, os, sys, time
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from fastapi.testclient import TestClient
from serving.app import create_app
from serving.settings import read_settings

with TestClient(create_app(read_settings(os.environ))) as client:
    while client.get("/health/ready").status_code not in (200, 503) or not client.get("/version").json()["catalogue"]:
        time.sleep(0.05)
    print("ready", flush=True)
    sys.stdin.readline()
    together = Barrier(5)
    asked = {"campaign": "autumn", "send": "1", "channel": "email", "kind": "reward"}
    def ask(_):
        together.wait()
        answer = client.get("/v1/customers/c001/offers", params=asked)
        return [answer.status_code, answer.json()]
    with ThreadPoolExecutor(5) as pool:
        print(json.dumps(list(pool.map(ask, range(5)))), flush=True)
"""
PAYS = {"levers": [{"name": "mail pays", "about": {"channel": "email"}, "money_minor": 500}]}


@pytest.mark.slow
@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_five_calls_for_one_send_from_each_of_four_processes_are_one_answer_and_one_contact(
    small_store: Settings, tmp_path: Path, request: pytest.FixtureRequest, database: str
) -> None:
    shutil.copytree(small_store.source_dir, tmp_path / "files")
    more = {"journal": request.getfixturevalue("postgres_uri")} if database == "postgresql" else {}
    settings = settings_of(tmp_path, **more)
    accept(settings, "test")  # on PostgreSQL the journal is another than the one that the store was made from
    (settings.source_dir / "policy.json").write_text(json.dumps(PAYS | {"exploration": {"random": 0.5}}))
    environment = {**os.environ, **variables(settings), "PYTHONPATH": str(ROOT)}
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", WORKER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env=environment,
        )
        for _ in range(4)
    ]
    try:
        for worker in workers:
            assert worker.stdout is not None
            assert worker.stdout.readline() == "ready\n"
        for worker in workers:  # all at once, only now that each is ready
            assert worker.stdin is not None
            worker.stdin.write("go\n")
            worker.stdin.flush()
        answers = [each for worker in workers for each in json.loads(worker.communicate(timeout=120)[0])]
    finally:
        for worker in workers:
            worker.kill()
    assert len(answers) == 20
    assert {status for status, _ in answers} == {200}
    assert len({json.dumps(answer, sort_keys=True) for _, answer in answers}) == 1
    journal = Journal(settings.journal_uri)
    with journal.reading() as connection:
        decisions = connection.execute(select(DECISIONS.c.decision_id)).scalars().all()
        granted = select(CONTACTS.c.contact_id).where(CONTACTS.c.policy != "")  # what was merely loaded has none
        contacts = connection.execute(granted).scalars().all()
    journal.close()
    assert decisions == [answers[0][1]["decision_id"]]
    assert contacts == ([] if answers[0][1]["neutral"] else [answers[0][1]["contact_id"]])


def test_past_the_deadline_the_answer_is_neutral_and_what_comes_late_is_not_kept(
    client: Callable[..., TestClient], place: Path, counted: Callable[[], tuple[int, int]]
) -> None:
    (place / "policy.json").write_text(json.dumps(NEUTRAL))
    service = client(store=SlowStore(400.0), deadline_ms=DEADLINE_MS)
    HOLD.clear()
    found = sent(service)
    HOLD.set()
    assert (found["neutral"], found["recorded"], found["fallback_reasons"]) == (True, False, ["late_for_all"])
    assert found["title"] == NEUTRAL["neutral_title"]
    assert counted() == (0, 0)
