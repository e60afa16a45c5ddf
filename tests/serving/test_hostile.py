"""What no honest caller sends: each gets a clear answer, and the service goes on."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient

from features.domain import HOUR, Instant
from features.instant import format_instant
from tests.journeys.town import MORNING, Touchpoint, Town

JSON = {"content-type": "application/json"}
DEEP = b"[" * 100_000 + b"]" * 100_000
DEEP_OBJECT = b'{"events":[' + b'{"a":' * 100_000 + b"1" + b"}" * 100_000 + b"]}"
PATHS = {"customer_id": "somebody", "decision_id": "some-decision", "persona_id": "nobody", "contact_id": "none"}


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Touchpoint]:
    """One service for all: what is sent to it in one test must not harm it in the next."""
    with Town(tmp_path_factory.mktemp("town")) as town:
        yield town.touchpoint("desk", "app")


def writing(client: TestClient) -> list[str]:
    """Every path that takes a body."""
    paths: dict[str, dict[str, Any]] = client.get("/openapi.json").json()["paths"]
    return [path.format(**PATHS) for path, calls in paths.items() if "requestBody" in calls.get("post", {})]


@pytest.mark.parametrize(
    ("body", "statuses"),
    [
        (b"{" + b" " * 1_000_001 + b"}", {413}),
        (DEEP, {400, 422}),
        (DEEP_OBJECT, {400, 422}),
        (b'{"value_minor": NaN}', {400, 422}),
        (b'{"limit": 1e999, "customer_id": Infinity}', {400, 422}),
        (b"\xff\xfe{}", {400, 422}),
        (b'{"customer_id": "\\ud800"}', {200, 400, 422}),
        (b"", {400, 422}),
        (b"null", {400, 422}),
        (b'{"customer_id": "' + b"9" * 5_000 + b'"}', {200, 422}),
        (b"9" * 5_000, {400, 422}),
    ],
    ids=["large", "deep list", "deep object", "NaN", "infinite", "no UTF-8", "half", "empty", "null", "long", "digits"],
)
def test_a_body_that_nobody_can_read_is_refused_by_every_endpoint(
    desk: Touchpoint, body: bytes, statuses: set[int]
) -> None:
    paths = writing(desk.client)
    assert len(paths) >= 5
    for path in paths:
        answer = desk.client.post(path, content=body, headers=JSON)
        known = statuses | ({404} if "some" in path and 400 not in statuses else set())
        assert answer.status_code in known, f"{path}: {answer.status_code} {answer.text[:300]}"
        if answer.status_code == 200 and path == "/v1/events":
            assert answer.json()["accepted"] == 0
        if answer.status_code != 200:
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.json()["code"]
    assert desk.sees("visited", ("device", "d"))["status"] == "accepted"


def refused(desk: Touchpoint, **more: object) -> dict[str, Any]:
    event = {"event_id": "1", "customer_id": "c", "kind": "visited", "channel": "app", **more}
    answer = desk.post("/v1/events", event)
    assert answer["refused"] == 1, answer
    item: dict[str, Any] = answer["items"][0]
    assert item["why"]
    return item


@pytest.mark.parametrize(
    ("more", "code", "word"),
    [
        ({"occurred_at": "2026-03-02T09:00:00"}, "wrong_instant", "occurred_at"),
        ({"occurred_at": "2026-03-02T09:00:00+25:00"}, "wrong_instant", "occurred_at"),
        ({"occurred_at": "2026-03-02T09:00:00 Europe/Berlin"}, "wrong_instant", "occurred_at"),
        ({"occurred_at": "2026-02-30T09:00:00Z"}, "wrong_instant", "occurred_at"),
        ({"occurred_at": "yesterday"}, "wrong_instant", "occurred_at"),
        ({"occurred_at": 1_772_442_000}, "wrong_instant", "occurred_at"),
        ({"occurred_at": "1970-01-21T12:20:42Z"}, "too_early", "1990"),
        ({"occurred_at": format_instant(Instant(MORNING + 24 * HOUR + 1))}, "in_the_future", "24"),
        ({"occurred_at": "9999-12-31T23:59:59Z"}, "in_the_future", "24"),
        ({"utc_offset_min": 15 * 60}, "out_of_range", "utc_offset_min"),
        ({"utc_offset_min": "Europe/Berlin"}, "out_of_range", "utc_offset_min"),
        ({"value_minor": -1}, "out_of_range", "value_minor"),
        ({"value_minor": 10**30}, "out_of_range", "value_minor"),
        ({"value_minor": 1.5}, "wrong_type", "value_minor"),
        ({"customer_id": "x" * 129}, "wrong_length", "customer_id"),
        ({"customer_id": "a\u0000b"}, "wrong_text", "customer_id"),
        ({"customer_id": {}}, "wrong_type", "customer_id"),
        ({"identities": [{"namespace": "device", "value": str(n)} for n in range(10_000)]}, "too_many_names", "10000"),
        ({"identities": {"namespace": "device"}}, "wrong_type", "identities"),
    ],
)
def test_an_event_that_cannot_be_true_is_refused_by_name(
    desk: Touchpoint, more: dict[str, object], code: str, word: str
) -> None:
    item = refused(desk, **more)
    assert item["code"] == code
    assert word in item["why"]


def test_half_a_character_in_a_field_that_kairos_does_not_know_harms_nobody(desk: Touchpoint) -> None:
    body = b'{"event_id": "1", "customer_id": "c", "kind": "visited", "channel": "app", '
    body += b'"note": ["\\ud800", {"\\udc00": 1}]}'
    answer = desk.client.post("/v1/events", content=body, headers=JSON)
    assert answer.status_code == 200
    assert answer.json()["items"][0]["status"] in ("accepted", "refused")
    assert desk.sees("visited", ("device", "d"))["status"] == "accepted"


def test_an_instant_just_less_than_a_day_ahead_is_taken(desk: Touchpoint) -> None:
    desk.sees("visited", ("device", "d"), occurred_at=format_instant(Instant(MORNING + 24 * HOUR)))


@pytest.mark.parametrize(
    "name", ["🦊", "👩🏽‍🚀" * 16, "Zoë Müller", "顾客-7", "a/b?c=d&e#f%20", "..", "DROP TABLE customers;--"]
)
def test_any_text_may_be_an_id(desk: Touchpoint, name: str) -> None:
    event = {
        "source": name,
        "event_id": name,
        "customer_id": name,
        "kind": "visited",
        "channel": "app",
        "category": name,
        "decision_id": name,
    }
    first, again = (desk.post("/v1/events", event)["items"][0] for _ in range(2))
    assert (first["status"], again["status"]) == ("accepted", "duplicate")
    page = desk.post("/v1/customers/lookup", {"namespace": "customer_id", "value": name})
    assert page["customer_id"] == name
    assert page["timeline"][0]["category"] == name
    assert desk.post("/v1/decisions", {"customer_id": name})["customer_id"] == name


@pytest.mark.slow
def test_ten_thousand_names_on_one_customer_are_bounded_and_do_not_stop_anybody(desk: Touchpoint) -> None:
    left_aside = 0
    for batch in range(20):
        events = [
            {
                "event_id": f"{batch}-{n}",
                "customer_id": "ann",
                "identities": [{"namespace": "anonymous", "value": f"{batch}-{n}"}],
                "kind": "visited",
                "channel": "web",
            }
            for n in range(500)
        ]
        answer = desk.post("/v1/events", {"events": events})
        assert answer["accepted"] == 500
        left_aside += sum(bool(item["notes"]) for item in answer["items"])
    page = desk.client.get("/v1/customers/ann").json()
    assert page["names"]["anonymous"] == 100
    assert left_aside == 10_000 - 100
    decided = desk.decides(("customer_id", "ann"))
    seen = decided.saw(decided.first, "customer_interest_7d")
    assert seen == pytest.approx(10_000)


def test_names_split_and_decided_for_stay_within_their_limits(desk: Touchpoint) -> None:
    many = [{"namespace": "device", "value": str(n)} for n in range(10_000)]
    assert desk.client.post("/v1/decisions", json={"identities": many}).status_code == 422
    split = desk.client.post("/v1/customers/ann/split", json={"names": many, "reason": "many"})
    assert split.status_code == 422
    wide = json.dumps({"customer_id": "ann", "events": [{"event_id": str(n)} for n in range(101)]})
    assert desk.client.post("/v1/decisions", content=wide, headers=JSON).status_code == 422
