"""The live customer over HTTP."""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from features.catalogue import Catalogue
from features.clock import SimulatedClock
from features.domain import DAY, ChannelName, CustomerId, EventId, Instant, Kind
from features.instant import format_instant
from features.schema import BY_HOUR
from features.stored import VIEWS
from serving.app import serve
from serving.events.arrival import Arrival
from serving.identity.identity import identity
from serving.journal import Cause, Journal
from serving.journal.keys import Scope, make_key
from serving.packed_file import PROJECT, create, open_to_write, put, table_name
from serving.pairs import memory_of
from serving.parts import Parts
from serving.store import MemoryReader, SqliteReader
from serving.values import SqliteValues

PHONE = {"namespace": "phone", "value": "+49 171 1234567"}


@pytest.fixture
def online(place: Path, store: MemoryReader) -> Path:
    """Ann as the batch left her, in a file."""
    con = open_to_write(place / "online.db")
    for view in VIEWS:
        table = table_name(PROJECT, view.name)
        create(con, table)
        put(con, table, store._get_all(view))
    con.close()
    return place / "online.db"


@pytest.fixture
def start(parts: Callable[..., Parts], online: Path, place: Path) -> Iterator[Callable[..., TestClient]]:
    """Starts a worker; all of them share journal and store."""
    with ExitStack() as running:

        def another(**other: Any) -> TestClient:
            store = SqliteReader(online, 400)
            made = replace(parts(store=store), values=SqliteValues(online), **other)
            return running.enter_context(TestClient(serve(made), raise_server_exceptions=False))

        yield another


def event(event_id: str, kind: str = "visited", channel: str = "app", **more: object) -> dict[str, object]:
    return {"source": "test", "event_id": event_id, "customer_id": "ann", "kind": kind, "channel": channel, **more}


def statuses(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [item["status"] for item in answer.json()["items"]]


def test_every_item_of_a_batch_has_an_answer_of_its_own(start: Callable[..., TestClient]) -> None:
    body = {"events": [event("1"), event("1"), event("2", kind="flown"), event("3", channel="pigeon"), 7]}
    answer = start().post("/v1/events", json=body)
    assert statuses(answer) == ["accepted", "duplicate", "refused", "refused", "refused"]
    found = answer.json()
    assert (found["accepted"], found["duplicates"], found["refused"]) == (1, 1, 3)
    assert [item["code"] for item in found["items"]] == [None, None, "unknown_kind", "unknown_channel", "wrong_type"]
    assert found["items"][2]["event_id"] == "2"


def test_cloudevents_and_segment_are_taken_under_their_own_media_types(start: Callable[..., TestClient]) -> None:
    client = start()
    cloud = {
        "specversion": "1.0",
        "id": "1",
        "source": "/s",
        "type": "x.visited",
        "subject": "ann",
        "data": {"channel": "app"},
    }
    headers = {"content-type": "application/cloudevents-batch+json"}
    assert statuses(client.post("/v1/events", json=[cloud, cloud], headers=headers)) == ["accepted", "duplicate"]
    identify = {"type": "identify", "messageId": "2", "userId": "ann", "anonymousId": "a"}
    page = {"type": "screen", "messageId": "3", "anonymousId": "a"}
    answer = client.post("/v1/events", json={"batch": [identify, page]})
    assert [item["customer_id"] for item in answer.json()["items"]] == ["ann", "ann"]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"{", 400, "malformed"),
        (b"NaN", 400, "malformed"),
        (b"[" * 90_000 + b"]" * 90_000, 422, "no_events"),
        (b"[]", 422, "no_events"),
        (b'"text"', 422, "no_events"),
        (b"[" + b",".join([b"{}"] * 501) + b"]", 413, "too_many_events"),
        (b" " * 1_000_001, 413, "body_too_large"),
    ],
)
def test_a_body_that_is_no_batch_gets_a_problem(
    start: Callable[..., TestClient], body: bytes, status: int, code: str
) -> None:
    answer = start().post("/v1/events", content=body, headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_what_one_worker_acknowledged_is_in_the_vector_of_the_next_ones_decision(
    start: Callable[..., TestClient],
) -> None:
    one, other = start(), start()

    def interest(client: TestClient) -> float:
        decided = client.post(
            "/v1/decisions", json={"customer_id": "ann", "kind": "promotion", "channels": ["app"]}
        ).json()
        recorded = client.get(f"/v1/decisions/{decided['decision_id']}").json()
        value: float = recorded["vectors"][0]["features"]["customer_interest_7d"]
        return value

    before = interest(other)
    assert statuses(one.post("/v1/events", json=[event(str(n)) for n in range(5)])) == ["accepted"] * 5
    after = interest(other)
    assert after > before
    assert statuses(other.post("/v1/events", json=[event("0")])) == ["duplicate"]
    assert interest(one) == after


def test_an_event_in_the_decision_call_counts_for_that_decision_and_once(start: Callable[..., TestClient]) -> None:
    client = start()
    own = {key: value for key, value in event("1").items() if key != "customer_id"}
    ask = {"customer_id": "ann", "kind": "promotion", "channels": ["app"]}

    def interest(**more: object) -> float:
        decided = client.post("/v1/decisions", json=ask | more).json()
        recorded = client.get(f"/v1/decisions/{decided['decision_id']}").json()
        return float(recorded["vectors"][0]["features"]["customer_interest_7d"])

    before = interest()
    assert interest(events=[own]) == before + 1
    assert interest(events=[own]) == before + 1
    assert statuses(client.post("/v1/events", json=[event("1")])) == ["duplicate"]
    broken = client.post("/v1/decisions", json=ask | {"events": [{**own, "kind": "flown"}]}).json()
    assert any("flown" in warning for warning in broken["warnings"])
    dry = client.post("/v1/decisions", json=ask | {"events": [own | {"event_id": "2"}], "dry_run": True}).json()
    assert any("dry run" in warning for warning in dry["warnings"])
    assert interest() == before + 1


def test_a_decision_may_be_asked_for_under_any_name(start: Callable[..., TestClient]) -> None:
    client = start()
    client.post("/v1/events", json=[event("1", identities=[PHONE])])
    found = client.post("/v1/decisions", json={"identities": [PHONE]}).json()
    assert found["customer_id"] == "ann"
    stranger = {"identities": [{"namespace": "device", "value": "tablet"}]}
    first, again = (client.post("/v1/decisions", json=stranger).json()["customer_id"] for _ in range(2))
    assert first == again
    assert first.startswith("k_")
    client.post("/v1/decisions", json={"customer_id": "ann", **stranger})
    assert client.post("/v1/decisions", json={"customer_id": first}).json()["customer_id"] == "ann"
    for wrong in ({}, {"identities": []}, {"identities": [{"namespace": "phone", "value": "1"}]}):
        assert client.post("/v1/decisions", json=wrong).status_code == 422


def test_outcomes_need_nothing_but_the_decision_and_count_once(start: Callable[..., TestClient]) -> None:
    client = start()
    decided = client.post("/v1/decisions", json={"customer_id": "ann", "kind": "promotion", "channels": ["app"]}).json()
    where = f"/v1/decisions/{decided['decision_id']}/outcomes"
    body = {"outcomes": [{"kind": "clicked", "occurred_at": "2017-10-01T12:30:00Z"}]}
    assert statuses(client.post(where, json=body)) == ["accepted"]
    assert statuses(client.post(where, json=body)) == ["duplicate"]
    other = client.post(where, json={"outcomes": [{"kind": "clicked", "offer_id": "coupon-old"}]})
    assert (other.status_code, other.json()["code"]) == (422, "not_offered")
    assert client.post("/v1/decisions/none/outcomes", json=body).status_code == 404
    page = client.get("/v1/customers/ann").json()
    assert page["last_offers"][0]["outcomes"] == ["clicked"]


def test_an_agent_types_a_number_and_sees_the_customer(start: Callable[..., TestClient]) -> None:
    client = start()
    when = {"occurred_at": "2017-10-01T09:00:00+02:00"}
    body = [
        event("1", "purchased", category="milk", value_minor=250, identities=[PHONE], **when),
        event("2", "carted", category="tea", **when),
        event("3", "complained", **when),
    ]
    assert statuses(client.post("/v1/events", json=body)) == ["accepted"] * 3
    page = client.post("/v1/customers/lookup", json=PHONE | {"value": "0049171-1234567"}).json()
    assert page["customer_id"] == "ann"
    assert page["names"] == {"customer_id": 1, "phone_sha256": 1}
    assert page["last_order"]["value_minor"] == 250
    assert {topic["topic"] for topic in page["open_topics"]} == {"basket", "complaint"}
    assert [entry["kind"] for entry in page["timeline"]] == ["complained", "carted", "purchased"]
    assert page["next_best_offer"] is None or page["next_best_offer"]["rank"] == 1
    assert client.post("/v1/customers/lookup", json=PHONE | {"value": "+1 555 000 0000"}).status_code == 404
    assert client.post("/v1/customers/lookup", json=PHONE | {"value": "17"}).status_code == 422


def test_the_timeline_goes_on_with_its_cursor(start: Callable[..., TestClient]) -> None:
    client = start()
    client.post("/v1/events", json=[event(str(n)) for n in range(120)])
    seen, cursor = 0, None
    while True:
        page = client.get("/v1/customers/ann", params={} if cursor is None else {"cursor": cursor}).json()
        seen, cursor = seen + len(page["timeline"]), page["cursor"]
        if cursor is None:
            break
    assert seen == 120
    assert client.get("/v1/customers/ann", params={"cursor": "x"}).status_code == 422


def test_consent_split_export_and_erasure_over_the_wire(start: Callable[..., TestClient], online: Path) -> None:
    client = start()
    client.post("/v1/events", json=[event("1", identities=[{"namespace": "card", "value": "c"}])])
    said = {"purpose": "email_marketing", "granted": False, "source": "form"}
    held = client.post("/v1/customers/ann/consents", json=said).json()
    assert [(each["purpose"], each["granted"]) for each in held] == [("email_marketing", False)]
    names = {"names": [{"namespace": "card", "value": "c"}], "reason": "her brother's"}
    other = client.post("/v1/customers/ann/split", json=names).json()["customer_id"]
    assert other.startswith("k_")
    assert client.post("/v1/customers/ann/split", json=names).status_code == 409
    assert len(client.get("/v1/customers/ann/export").json()["events"]) == 1
    decided = client.post("/v1/decisions", json={"customer_id": "ann"}).json()["decision_id"]
    assert client.delete("/v1/customers/ann").json()["events"] == 1
    assert client.get("/v1/customers/ann").status_code == 404
    assert SqliteValues(online).get(CustomerId("ann")) is None
    assert SqliteReader(online, 400).profile(CustomerId("ann")) is None
    gone = client.post(f"/v1/decisions/{decided}/outcomes", json={"outcomes": [{"kind": "clicked"}]})
    assert (gone.status_code, gone.json()["code"]) == (410, "decision_erased")


def test_an_objection_at_one_worker_holds_for_the_next_decision_of_another(start: Callable[..., TestClient]) -> None:
    one, other = start(), start()
    ask = {"customer_id": "ann", "kind": "promotion", "channels": ["app", "mailer"]}

    def state(purpose: str, granted: bool, customer: str = "ann") -> None:
        said = {"purpose": purpose, "granted": granted, "source": "form"}
        assert one.post(f"/v1/customers/{customer}/consents", json=said).status_code == 200

    before = other.post("/v1/decisions", json=ask).json()
    assert before["items"]
    assert before["personalised"]
    state("profiling", False)
    impersonal = other.post("/v1/decisions", json=ask).json()
    assert not impersonal["personalised"]
    assert not impersonal["fallback"]
    assert any("objected to profiling" in warning for warning in impersonal["warnings"])
    assert impersonal["items"]
    state("marketing", False)
    silent = other.post("/v1/decisions", json=ask).json()
    assert not silent["items"]
    assert "objected to marketing" in silent["silence"]["reason"]
    assert "marketing_objection" in [rule["rule"] for rule in silent["removed"]]
    for purpose in ("marketing", "profiling"):
        state(purpose, True)
    assert other.post("/v1/decisions", json=ask).json()["items"] == before["items"]
    state("marketing", False, "stranger")
    assert not other.post("/v1/decisions", json=ask | {"customer_id": "stranger"}).json()["items"]


def test_a_channel_with_a_purpose_is_used_from_the_consent_to_its_withdrawal(
    start: Callable[..., TestClient], place: Path, shop: Catalogue
) -> None:
    post, *others = shop.channels
    needing = replace(shop, channels=(replace(post, consent_purpose="postal_marketing"), *others))
    (place / "catalogue.json").write_text(needing.to_json())
    one, other = start(), start()
    ask = {"customer_id": "ann", "kind": "promotion", "channels": ["direct_mail"]}

    def offered() -> list[str]:
        return [item["channel"] for item in other.post("/v1/decisions", json=ask).json()["items"]]

    assert offered() == []
    for granted, expected in ((True, ["direct_mail"]), (False, [])):
        said = {"purpose": "postal_marketing", "granted": granted, "source": "form", "channel": "direct_mail"}
        one.post("/v1/customers/ann/consents", json=said)
        assert offered() == expected


def test_what_was_begun_on_one_channel_is_in_the_answer_on_another(start: Callable[..., TestClient]) -> None:
    client = start()
    ask = {"customer_id": "ann", "kind": "promotion", "channels": ["app"]}
    assert client.post("/v1/decisions", json=ask).json()["open_topics"] == []
    phone, tablet = {"namespace": "device", "value": "phone"}, {"namespace": "device", "value": "tablet"}
    told = [
        event("1", "carted", "app", category="tea", identities=[phone], occurred_at="2017-10-01T10:00:00Z"),
        event("2", "visited", "mailer", category="milk", identities=[tablet], occurred_at="2017-10-01T11:00:00Z"),
    ]
    client.post("/v1/events", json=told)
    found = client.post(
        "/v1/decisions", json={k: v for k, v in ask.items() if k != "customer_id"} | {"identities": [tablet]}
    )
    topics = found.json()["open_topics"]
    assert {(topic["topic"], topic["about"], topic["channel"]) for topic in topics} == {
        ("looked_at", "milk", "mailer"),
        ("basket", "tea", "app"),
    }
    assert [topic["strength"] for topic in topics] == sorted((topic["strength"] for topic in topics), reverse=True)
    client.post("/v1/events", json=[event("3", "purchased", "mailer", category="tea")])
    assert [topic["about"] for topic in client.post("/v1/decisions", json=ask).json()["open_topics"]] == ["milk"]


@pytest.mark.parametrize(
    ("path", "body", "other"),
    [
        ("/v1/events", {"events": [event("1")]}, {"events": [event("2")]}),
        ("/v1/decisions", {"customer_id": "ann", "kind": "promotion"}, {"customer_id": "bob", "kind": "promotion"}),
    ],
)
def test_a_call_sent_again_under_its_key_gets_the_same_answer_from_any_worker(
    start: Callable[..., TestClient], path: str, body: dict[str, object], other: dict[str, object]
) -> None:
    key = {"idempotency-key": "k-1"}
    one, two = start(), start()
    first, again = (client.post(path, json=body, headers=key) for client in (one, two))
    assert first.status_code == 200
    assert again.content == first.content
    reused = two.post(path, json=other, headers=key)
    assert (reused.status_code, reused.json()["code"]) == (422, "idempotency_key_reused")
    assert one.post(path, json=body, headers={"idempotency-key": "k-2"}).content != first.content
    assert one.post(path, json=body, headers={"idempotency-key": "k" * 256}).status_code == 422


def test_outcomes_sent_again_under_their_key_are_accepted_once_and_forgotten_with_the_customer(
    start: Callable[..., TestClient],
) -> None:
    client, key = start(), {"idempotency-key": "k-1"}
    asked = {"customer_id": "ann", "kind": "promotion", "channels": ["app"]}
    decided = client.post("/v1/decisions", json=asked, headers={"idempotency-key": "k-0"}).json()
    where = f"/v1/decisions/{decided['decision_id']}/outcomes"
    body = {"outcomes": [{"kind": "clicked"}]}
    first = client.post(where, json=body, headers=key)
    assert statuses(first) == ["accepted"]
    assert client.post(where, json=body, headers=key).content == first.content
    client.delete("/v1/customers/ann")
    assert client.post("/v1/decisions", json=asked, headers={"idempotency-key": "k-0"}).json() != decided
    assert client.post(where, json=body, headers=key).status_code == 410


def test_what_happens_inside_an_offers_window_is_joined_to_the_decision_that_made_it(
    start: Callable[..., TestClient], now: Instant
) -> None:
    clock = SimulatedClock(now)
    client = start(clock=clock)
    ask = {"customer_id": "ann", "kind": "promotion", "channels": ["app"]}
    first = client.post("/v1/decisions", json=ask).json()
    assert "promo-tea" in [item["offer_id"] for item in first["items"]]
    clock.advance(20 * DAY)
    told = [
        event("1", "clicked", offer_id="promo-tea", occurred_at="2017-10-03T12:00:00Z"),
        event("2", "purchased", category="tea", value_minor=300, occurred_at="2017-10-05T12:00:00Z"),
        event("3", "purchased", category="rum", value_minor=900, occurred_at="2017-10-05T12:00:00Z"),
        event("4", "purchased", category="tea", value_minor=300, occurred_at="2017-10-15T12:00:00Z"),
        event("5", "purchased", category="tea", value_minor=300, occurred_at="2017-09-15T12:00:00Z"),
        event("6", "viewed", decision_id=first["decision_id"], occurred_at="2017-10-12T12:00:00Z"),
    ]
    taken = client.post("/v1/events", json=told).json()["items"]
    assert [len(item["notes"]) for item in taken] == [0, 0, 0, 0, 0, 1]
    assert taken[5]["notes"] == ["not attributed: it happened after the offer's window of 7 days"]

    def came_of(decision: dict[str, Any]) -> list[tuple[str, bool]]:
        found = client.get(f"/v1/decisions/{decision['decision_id']}").json()["outcomes"]
        return [(each["kind"], each["attributed"]) for each in found]

    assert came_of(first) == [("clicked", True), ("purchased", True), ("viewed", False)]


def test_the_latest_decision_that_made_an_offer_has_what_came_of_it(
    start: Callable[..., TestClient], now: Instant
) -> None:
    clock = SimulatedClock(now)
    client = start(clock=clock)
    ask = {"customer_id": "ann", "kind": "promotion", "channels": ["app"]}
    first, _ = client.post("/v1/decisions", json=ask).json(), clock.advance(60_000_000)
    second = client.post("/v1/decisions", json=ask).json()
    clock.advance(DAY)
    client.post("/v1/events", json=[event("1", "clicked", offer_id="promo-tea")])
    outcomes = [client.get(f"/v1/decisions/{each['decision_id']}").json()["outcomes"] for each in (first, second)]
    assert [len(each) for each in outcomes] == [0, 1]
    assert client.get("/v1/customers/ann").json()["last_offers"][0]["outcomes"] == ["clicked"]
    client.delete("/v1/customers/ann")
    gone = client.get(f"/v1/decisions/{first['decision_id']}")
    assert (gone.status_code, gone.json()["code"]) == (410, "decision_erased")


def test_an_event_in_utc_counts_at_the_hour_of_the_customers_own_clock(
    start: Callable[..., TestClient], online: Path, now: Instant
) -> None:
    def hours() -> set[str]:
        known = SqliteReader(online, 400).activity(CustomerId("ann"), now)
        assert known is not None
        return set(memory_of(known, BY_HOUR).keys)

    client, before = start(), hours()
    told = [
        event("1", occurred_at="2017-10-01T01:10:00Z"),
        event("2", occurred_at="2017-10-01T01:10:00-04:00"),
        event("3", occurred_at="2017-01-01T02:10:00Z"),
        event("4", occurred_at="2017-10-01T07:10:00Z", utc_offset_min=0),
    ]
    assert statuses(client.post("/v1/events", json=told)) == ["accepted"] * 4
    assert hours() - before == {"03", "01", "07"}


def test_the_page_shows_the_name_that_was_told_last(start: Callable[..., TestClient]) -> None:
    client = start()

    def called(number: int, **traits: object) -> str | None:
        told = {"type": "identify", "messageId": str(number), "userId": "ann", "traits": traits}
        assert statuses(client.post("/v1/events", json=told)) == ["accepted"]
        name: str | None = client.get("/v1/customers/ann").json()["name"]
        return name

    assert called(1, plan="gold") is None
    assert called(2, firstName="Ann", lastName="Lee") == "Ann Lee"
    assert called(3, name="Ann Smith") == "Ann Smith"
    assert called(4, name=7) == "Ann Smith"


def test_what_a_dead_process_left_behind_is_caught_up_at_the_start(
    start: Callable[..., TestClient], online: Path, place: Path, now: Instant
) -> None:
    journal = Journal(f"sqlite:///{place / 'journal.db'}")
    names = (identity("customer_id", "eve"),)
    left = Arrival("till", EventId("1"), names, Kind.VISITED, ChannelName("app"), now)
    journal.take_in([left], Cause(now, "test", "event"))
    journal.close()
    start()
    for _ in range(200):
        if SqliteValues(online).get(CustomerId("eve")) is not None:
            break
        time.sleep(0.02)
    assert SqliteValues(online).get(CustomerId("eve")) is not None


def test_without_the_right_key_nothing_is_told(start: Callable[..., TestClient], place: Path) -> None:
    journal = Journal(f"sqlite:///{place / 'journal.db'}")
    cause = Cause(Instant(0), "admin", "test")
    _, token = journal.write(lambda t: make_key(t.connection, "shop", frozenset({Scope.EVENTS}), cause))
    client = start(access="keys")
    key = {"authorization": f"Bearer {token}"}
    assert client.post("/v1/events", json=[event("1")]).status_code == 401
    assert client.post("/v1/events", json=[event("1")], headers={"authorization": "Bearer x"}).status_code == 401
    assert statuses(client.post("/v1/events", json=[event("1")], headers=key)) == ["accepted"]
    refused = client.get("/v1/customers/ann", headers=key)
    assert (refused.status_code, refused.json()["code"]) == (403, "scope_missing")
    journal.close()


def test_without_a_catalogue_events_are_asked_for_again(start: Callable[..., TestClient], place: Path) -> None:
    (place / "catalogue.json").unlink()
    answer = start().post("/v1/events", json=[event("1")])
    assert (answer.status_code, answer.json()["code"]) == (503, "not_ready")


def test_an_event_more_than_a_day_ahead_is_refused_and_a_late_one_is_welcome(
    start: Callable[..., TestClient], now: Instant
) -> None:
    ahead = format_instant(Instant(now + 25 * 3_600_000_000))
    body = [event("1", occurred_at=ahead), event("2", occurred_at="2001-01-01T00:00:00Z")]
    assert statuses(start().post("/v1/events", json=body)) == ["refused", "accepted"]


def test_personal_data_do_not_end_up_in_the_log(
    start: Callable[..., TestClient], caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    client = start()
    client.post("/v1/events", json=[event("1", identities=[PHONE, {"namespace": "email", "value": "zoe@example.org"}])])
    client.post("/v1/customers/lookup", json=PHONE)
    told = caplog.text + "".join(capfd.readouterr())
    assert "1234567" not in told
    assert "zoe@example.org" not in told
