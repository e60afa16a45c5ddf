"""Recorded decisions made again, long after models, policy and offers have changed."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

from features.catalogue import Catalogue
from features.clock import SimulatedClock
from features.domain import HOUR, Instant
from serving.journal import Journal
from serving.score import Model
from serving.settings import read_settings

POLICIES: tuple[dict[str, Any], ...] = (
    {
        "caps": [{"name": "three a day", "per": "all", "most": 3, "window": {"calendar": "day"}}],
        "exploration": {"control": 0.1, "random": 0.2, "floor": 0.05, "per_root": 5.0, "share": 0.5},
        "levers": [
            {"name": "rain", "about": {"category": "milk"}, "money_minor": 12.5, "when": "context.rain == True"}
        ],
    },
    {
        "quiet": [{"begins_min": 0, "ends_min": 1439}],
        "exploration": {"random": 0.5},
        "requirements": [{"name": "tea only", "meaning": "Only tea.", "needs": "offer.category == 'tea'"}],
    },
)
CHANNELS = ["direct_mail", "mailer", "app"]


@pytest.fixture
def load(model: Callable[..., Model]) -> Callable[[Path], Model]:
    """Every version of the model is another one."""
    tastes = {"v1": 0.6, "v2": 0.3, "v3": 0.85}

    def read(folder: Path) -> Model:
        fitted = model({"promo-tea": tastes[folder.name], "promo-milk": 0.5}, organic=0.1)
        return replace(fitted, version=folder.name)  # type: ignore[type-var]

    return read


def wanted(number: int) -> dict[str, Any]:
    """Requests of every sort: known and unknown customers, both languages, slates, events on the way."""
    found: dict[str, Any] = {
        "customer_id": "ann" if number % 3 == 0 else f"customer-{number % 40}",
        "language": "de" if number % 2 else "en",
        "limit": 1 + number % 4,
        "contacts": number % 3,
        "context": {"rain": number % 5 == 0},
        "explain": "funnel" if number % 4 == 0 else "none",
    }
    if number % 7:
        found["kind"], found["channels"] = "promotion", CHANNELS
    if number % 6 == 0:
        found["events"] = [
            {"source": "shop", "event_id": f"e{number}", "kind": "visited", "channel": "app", "category": "milk"}
        ]
    return found


def put(client: TestClient, path: str, body: dict[str, Any]) -> httpx.Response:
    found = client.get(path)
    return client.put(path, json=body, headers={"If-Match": found.headers["ETag"]})


def until_model(client: TestClient, version: str) -> None:
    while client.get("/version").json()["model"] != version:
        time.sleep(0.02)


@pytest.mark.slow
@pytest.mark.proof(name="replay")
def test_decisions_are_the_same_after_two_retrainings_and_other_policies(
    client: Callable[..., TestClient],
    load: Callable[[Path], Model],
    promote: Callable[[str], None],
    now: Instant,
    record_property: Callable[[str, object], None],
) -> None:
    number = 1_000 if read_settings(os.environ).proof_size == "full" else 90
    clock = SimulatedClock(now)
    promote("v1")
    service = client(load=load, clock=clock)
    until_model(service, "v1")
    recorded: list[dict[str, Any]] = []
    for step, version in enumerate(("v1", "v2", "v3")):
        promote(version)
        until_model(service, version)
        if step:
            changed = put(service, "/v1/policy", POLICIES[step - 1])
            assert changed.status_code == 200, changed.text
        for each in range(number // 3):
            answer = service.post("/v1/decisions", json=wanted(each)).json()
            assert answer["recorded"], answer
            recorded.append(answer)
            clock.advance(HOUR // 4)
    assert put(service, "/v1/policy", {}).status_code == 200
    begun, different = time.perf_counter(), []
    for answer in recorded:
        again = service.post(f"/v1/decisions/{answer['decision_id']}/replay")
        assert again.status_code == 200, again.text
        if not again.json()["identical"]:
            different.append((answer["decision_id"], again.json()["differences"][:3]))
    assert different == []
    kinds = {(a["versions"]["model"], a["versions"]["policy"], a["group"], bool(a["items"])) for a in recorded}
    assert {kind[0] for kind in kinds} == {"v1", "v2", "v3"}
    assert {kind[2] for kind in kinds} >= {"random", "learnt"}
    record_property("decisions", len(recorded))
    record_property("identical", len(recorded) - len(different))
    record_property("ms_each", round(1e3 * (time.perf_counter() - begun) / len(recorded), 2))


@pytest.mark.parametrize("column", ["basis", "findings", "answer", "request"])
def test_a_tampered_record_is_found(client: Callable[..., TestClient], place: Path, column: str) -> None:
    service = client()
    answer = service.post("/v1/decisions", json={"customer_id": "ann", "kind": "promotion"}).json()
    path = f"/v1/decisions/{answer['decision_id']}"
    assert service.post(f"{path}/replay").json()["identical"]
    journal = Journal(f"sqlite:///{place / 'journal.db'}")
    change = text(f"UPDATE decisions SET {column} = {column} || ' '")
    journal.write(lambda transaction: transaction.connection.execute(change))
    journal.close()
    again = service.post(f"{path}/replay").json()
    assert (again.get("intact"), again.get("identical")) == (False, False), again
    assert not service.get(path).json()["intact"]


def test_a_record_that_cannot_be_read_any_more_says_so(client: Callable[..., TestClient], place: Path) -> None:
    service = client()
    answer = service.post("/v1/decisions", json={"customer_id": "ann", "kind": "promotion"}).json()
    journal = Journal(f"sqlite:///{place / 'journal.db'}")
    with journal.reading() as connection:
        packed = connection.execute(text("SELECT packed FROM decisions")).scalar_one()
    change = text("UPDATE decisions SET packed = :damaged")
    for each in (packed[:40] + b"\xff\xff" + packed[42:], packed[:-1], b"", b"\xc0"):
        journal.write(lambda transaction, damaged=each: transaction.connection.execute(change, {"damaged": damaged}))
        for again in (
            service.get(f"/v1/decisions/{answer['decision_id']}"),
            service.post(f"/v1/decisions/{answer['decision_id']}/replay"),
        ):
            assert again.status_code == 409
            assert again.json()["code"] == "record_damaged"
    journal.close()


def test_a_decision_of_a_model_that_is_gone_says_so(
    client: Callable[..., TestClient], place: Path, shop: Catalogue
) -> None:
    service = client()
    until_model(service, "fake-1")
    answer = service.post("/v1/decisions", json={"customer_id": "ann", "kind": "promotion"}).json()
    (place / "models" / "fake-1" / "bundle.json").unlink()
    (place / "models" / "fake-1").rmdir()
    again = service.post(f"/v1/decisions/{answer['decision_id']}/replay")
    assert again.status_code == 409
    assert "fake-1" in again.json()["detail"]


def test_an_unknown_decision_cannot_be_replayed(client: Callable[..., TestClient]) -> None:
    assert client().post("/v1/decisions/nobody/replay").status_code == 404
