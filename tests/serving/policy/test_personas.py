"""Customers who do not exist, decided for by the real engine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import MetaData, func, select

from serving.journal import Journal

Clients = Callable[..., TestClient]
REGULAR: dict[str, Any] = {
    "persona_id": "regular",
    "meaning": "Buys milk every week and was mailed on Monday.",
    "zone": "Europe/Berlin",
    "profile": {"age_years": 40, "household_size": 2},
    "events": [
        {"kind": "purchased", "channel": "app", "days_ago": 3, "category": "milk", "value_minor": 250},
        {"kind": "purchased", "channel": "app", "days_ago": 10, "category": "milk", "value_minor": 250},
        {"kind": "sent", "channel": "direct_mail", "days_ago": 5, "offer_id": "mailing"},
    ],
    "consents": [],
}
CAP = {"caps": [{"name": "month", "per": "channel", "of": "direct_mail", "most": 1, "window": {"hours": 720}}]}


@pytest.fixture
def service(client: Clients) -> TestClient:
    service = client()
    put(service, "personas", {"personas": [REGULAR, {"persona_id": "new"}]})
    return service


@pytest.fixture
def rows(place: Path) -> Iterator[Callable[[], dict[str, int]]]:
    """How many rows each table of the journal has."""
    journal = Journal(f"sqlite:///{place / 'journal.db'}")

    def count() -> dict[str, int]:
        with journal.reading() as connection:
            tables = MetaData()
            tables.reflect(connection)
            return {
                name: connection.execute(select(func.count()).select_from(table)).scalar_one()
                for name, table in tables.tables.items()
            }

    yield count
    journal.close()


def put(service: TestClient, name: str, body: Any) -> None:
    answer = service.put(f"/v1/{name}", json=body, headers={"If-Match": "*"})
    assert answer.status_code == 200, answer.text


def decided(service: TestClient, persona: str, **asked: Any) -> dict[str, Any]:
    answer = service.post(f"/v1/personas/{persona}/decide", json={"kind": "promotion", **asked})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_a_persona_is_decided_for_as_a_customer_with_the_same_history(service: TestClient) -> None:
    told = [
        {**{key: value for key, value in event.items() if key != "days_ago"}, "occurred_at": f"2017-{day}T12:00:00Z"}
        for event, day in zip(REGULAR["events"], ("09-28", "09-21", "09-26"), strict=True)
    ]
    events = [{"source": "s", "event_id": str(n), "customer_id": "twin", **event} for n, event in enumerate(told)]
    assert service.post("/v1/events", json={"events": events}).json()["accepted"] == 3
    asked = {"kind": "promotion", "channels": ["mailer", "app", "direct_mail"], "dry_run": True}
    twin = service.post("/v1/decisions", json={"customer_id": "twin", **asked}).json()
    persona = decided(service, "regular", channels=asked["channels"])
    assert twin["items"]
    for mine, other in zip(persona["items"], twin["items"], strict=True):
        assert (mine["offer_id"], mine["channel"]) == (other["offer_id"], other["channel"])
        assert mine["score_minor"] == pytest.approx(other["score_minor"], abs=1e-3)
        assert any("Buys milk" in reason for reason in mine["reasons"]) == (mine["offer_id"] == "promo-milk")


def test_deciding_for_a_persona_leaves_no_trace(service: TestClient, rows: Callable[[], dict[str, int]]) -> None:
    before = rows()
    answer = decided(service, "regular", channels=["mailer", "direct_mail"])
    assert (answer["recorded"], {item["contact_id"] for item in answer["items"]}) == (False, {None})
    assert rows() == before


def test_what_a_persona_was_sent_counts_for_caps(service: TestClient) -> None:
    mail = {"channels": ["direct_mail"], "explain": "funnel"}
    assert decided(service, "regular", **mail)["funnel"]["eligible"] > 0
    put(service, "policy", CAP)
    capped = decided(service, "regular", **mail)
    assert "cap" in {removed["rule"] for removed in capped["funnel"]["removed"]}
    assert capped["funnel"]["eligible"] == 0
    assert decided(service, "new", **mail)["funnel"]["eligible"] > 0


def test_what_a_persona_refused_holds(service: TestClient) -> None:
    shy = {"persona_id": "shy", "consents": [{"purpose": "marketing", "granted": False}]}
    put(service, "personas", {"personas": [shy]})
    assert decided(service, "shy")["items"] == []


def test_a_seed_draws_the_same_again(service: TestClient) -> None:
    put(service, "policy", {"exploration": {"random": 1.0}})
    draws = [[item["offer_id"] for item in decided(service, "regular", seed=3)["items"]] for _ in range(3)]
    assert draws[0] == draws[1] == draws[2]


def test_a_persona_that_there_is_not_is_not_found(service: TestClient) -> None:
    answer = service.post("/v1/personas/nobody/decide", json={})
    assert (answer.status_code, answer.json()["code"]) == (404, "persona_not_found")


def test_a_persona_with_a_history_that_cannot_be_is_refused(service: TestClient) -> None:
    event = {"kind": "sent", "channel": "pigeon", "days_ago": -1}
    answer = service.put(
        "/v1/personas", json={"personas": [{"persona_id": "p", "events": [event]}]}, headers={"If-Match": "*"}
    )
    assert [fault["pointer"] for fault in answer.json()["errors"]] == ["/personas/0/events/0/days_ago"]
