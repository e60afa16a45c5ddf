"""Senders confirm before sending, and fetch what is to follow; over HTTP."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from features.clock import SimulatedClock
from features.domain import (
    DAY,
    HOUR,
    Category,
    ChannelName,
    CustomerId,
    DecisionId,
    FollowUp,
    Instant,
    Kind,
    OfferId,
)
from features.instant import format_instant, parse_instant
from serving.journal import Journal
from serving.journal.reserving import reserve
from serving.journal.standings import sweep
from serving.ledger.contact import Contact, ContactId, Standing
from serving.ledger.reservation import Reserved

ANN, MILK = CustomerId("ann"), OfferId("promo-milk")
REMINDER = FollowUp(24, (Kind.VIEWED, Kind.PURCHASED), ChannelName("app"))


@pytest.fixture
def clock(now: Instant) -> SimulatedClock:
    return SimulatedClock(now)


@pytest.fixture
def service(client: Callable[..., TestClient], clock: SimulatedClock) -> TestClient:
    return client(clock=clock)


@pytest.fixture
def journal(place: Path) -> Iterator[Journal]:
    opened = Journal(f"sqlite:///{place / 'journal.db'}")
    yield opened
    opened.close()


@pytest.fixture
def grant(service: TestClient, journal: Journal, clock: SimulatedClock) -> Callable[..., str]:
    """Reserves a letter with a coupon for Ann."""

    def make(name: str = "one", **more: object) -> str:
        at = clock.now()
        given: dict[str, object] = {"offers": (OfferId("coupon-milk"),), "priority": 5, "follow_ups": ()}
        given |= {"decision_id": DecisionId(f"of-{name}"), **more}
        contact = Contact(
            ContactId(name),
            ChannelName("direct_mail"),
            at,
            categories=(Category("milk"),),
            purposes=("marketing",),
            counts=True,
            standing=Standing.RESERVED,
            expires_at=Instant(at + HOUR),
            **given,  # type: ignore[arg-type]
        )
        revision = journal.ledger(ANN, at).revision
        assert isinstance(journal.write(lambda t: reserve(t, ANN, revision, [contact], [], at)), Reserved)
        return name

    return make


def told(service: TestClient, at: Instant, kind: str, **more: object) -> None:
    event = {"event_id": f"{kind}-{at}", "customer_id": "ann", "kind": kind, "channel": "app", **more}
    answer = service.post("/v1/events", json={"events": [event | {"occurred_at": format_instant(at)}]}).json()
    assert answer["accepted"] == 1, answer


def test_a_reservation_is_confirmed_and_stays_so(service: TestClient, grant: Callable[..., str]) -> None:
    name = grant()
    for _ in range(2):
        answer = service.post(f"/v1/contacts/{name}/confirm")
        assert (answer.status_code, answer.json()["standing"]) == (200, "confirmed")
    assert service.post("/v1/contacts/unknown/confirm").json()["code"] == "contact_not_found"
    released = service.post(f"/v1/contacts/{name}/release")
    assert (released.status_code, released.json()["standing"]) == (200, "released")
    refused = service.post(f"/v1/contacts/{name}/confirm")
    assert (refused.status_code, refused.json()["code"]) == (409, "contact_released")


def test_what_expired_cannot_be_confirmed(
    service: TestClient, grant: Callable[..., str], clock: SimulatedClock, journal: Journal
) -> None:
    first, second = grant("first"), grant("second")
    clock.advance(HOUR)
    refused = service.post(f"/v1/contacts/{first}/confirm")
    assert (refused.status_code, refused.json()["code"]) == (409, "contact_expired")
    assert journal.write(lambda t: sweep(t, clock.now())) == 1
    assert service.post(f"/v1/contacts/{second}/confirm").json()["code"] == "contact_expired"


def test_who_objects_in_between_is_not_written_to(service: TestClient, grant: Callable[..., str]) -> None:
    name = grant()
    objection = {"purpose": "marketing", "granted": False, "source": "telephone"}
    assert service.post("/v1/customers/ann/consents", json=objection).status_code == 200
    refused = service.post(f"/v1/contacts/{name}/confirm")
    assert (refused.status_code, refused.json()["code"]) == (409, "consent_gone")
    assert service.post(f"/v1/contacts/{name}/confirm").json()["code"] == "contact_released"


@pytest.mark.parametrize("offer", ["coupon-old", "unheard-of", "promo-milk"])
def test_an_offer_that_is_no_longer_made_on_the_channel_is_not_sent(
    service: TestClient, grant: Callable[..., str], offer: str
) -> None:
    refused = service.post(f"/v1/contacts/{grant(offers=(OfferId(offer),))}/confirm")
    assert (refused.status_code, refused.json()["code"]) == (409, "offer_gone")


def test_what_goes_out_ungranted_is_told_to_its_sender_and_listed(
    service: TestClient, grant: Callable[..., str], clock: SimulatedClock
) -> None:
    granted = {"kind": "sent", "channel": "direct_mail", "contact_id": grant(), "customer_id": "ann", "event_id": "1"}
    ungranted = {name: value for name, value in granted.items() if name != "contact_id"} | {"event_id": "2"}
    notes = [each["notes"] for each in service.post("/v1/events", json=[granted, ungranted]).json()["items"]]
    assert notes[0] == []
    assert "overdrawn" in notes[1][0]
    listed = service.get("/v1/contacts/overdrawn").json()
    assert [each["sent_at"] for each in listed["overdrafts"]] == [format_instant(clock.now())]
    assert service.get(f"/v1/contacts/overdrawn?cursor={listed['cursor']}").json()["overdrafts"] == []
    assert service.get("/v1/contacts/overdrawn?cursor=x").status_code == 422
    sent = service.post("/v1/contacts/one/release")
    assert (sent.status_code, sent.json()["code"]) == (409, "contact_sent")


def test_a_follow_up_is_decided_once_when_it_is_due(
    service: TestClient, grant: Callable[..., str], clock: SimulatedClock
) -> None:
    name = grant(follow_ups=((MILK, REMINDER),))
    later = format_instant(Instant(clock.now() + 2 * DAY))
    assert service.get(f"/v1/followups?due_before={later}").json()["follow_ups"] == []  # not before it is confirmed
    service.post(f"/v1/contacts/{name}/confirm")
    (ahead,) = service.get(f"/v1/followups?due_before={later}").json()["follow_ups"]
    assert (ahead["customer_id"], ahead["offer_id"], ahead["channel"], ahead["decision"]) == ("ann", MILK, "app", None)
    assert service.get("/v1/followups").json()["follow_ups"] == []
    clock.advance(DAY)
    (due,) = service.get("/v1/followups").json()["follow_ups"]
    decision = due["decision"]
    assert decision["recorded"]
    assert {item["offer_id"] for item in decision["items"]} <= {MILK}
    assert service.get(f"/v1/decisions/{decision['decision_id']}").status_code == 200
    assert service.get("/v1/followups").json()["follow_ups"] == []


@pytest.mark.parametrize(
    ("kind", "about", "left"),
    [
        ("viewed", {"offer_id": "promo-milk"}, 0),
        ("viewed", {"offer_id": "promo-tea"}, 1),
        ("viewed", {"decision_id": "of-one"}, 0),
        ("purchased", {"category": "milk", "value_minor": 100}, 0),
        ("purchased", {"category": "tea", "value_minor": 100}, 1),
        ("clicked", {"offer_id": "promo-milk"}, 1),
    ],
)
def test_a_follow_up_is_cancelled_by_what_it_says(
    service: TestClient,
    grant: Callable[..., str],
    clock: SimulatedClock,
    kind: str,
    about: dict[str, object],
    left: int,
) -> None:
    service.post(f"/v1/contacts/{grant(follow_ups=((MILK, REMINDER),))}/confirm")
    clock.advance(DAY)
    told(service, Instant(clock.now() - HOUR), kind, **about)
    assert len(service.get("/v1/followups").json()["follow_ups"]) == left


@pytest.mark.parametrize(
    ("kind", "about", "code"),
    [("viewed", {"offer_id": "promo-milk"}, "overtaken"), ("clicked", {"offer_id": "promo-milk"}, None)],
)
def test_a_reminder_is_not_sent_after_what_cancels_it(
    service: TestClient,
    grant: Callable[..., str],
    clock: SimulatedClock,
    journal: Journal,
    kind: str,
    about: dict[str, object],
    code: str | None,
) -> None:
    service.post(f"/v1/contacts/{grant(follow_ups=((MILK, REMINDER),))}/confirm")
    clock.advance(DAY)
    (due,) = service.get("/v1/followups").json()["follow_ups"]
    name = grant("reminder", decision_id=DecisionId(due["decision"]["decision_id"]))
    told(service, clock.now(), kind, **about)
    answer = service.post(f"/v1/contacts/{name}/confirm")
    assert (answer.status_code, answer.json().get("code")) == (409 if code else 200, code)
    standing = {each.contact_id: each.standing for each in journal.ledger(ANN, clock.now()).contacts}
    assert standing.get(ContactId(name)) == (None if code else Standing.CONFIRMED)


def test_what_is_long_overdue_is_not_followed_up(
    service: TestClient, grant: Callable[..., str], clock: SimulatedClock
) -> None:
    service.post(f"/v1/contacts/{grant(follow_ups=((MILK, REMINDER),))}/confirm")
    clock.advance(9 * DAY)
    assert service.get("/v1/followups").json() == {"follow_ups": [], "cursor": None}


@pytest.mark.parametrize("asked", ["due_before=tomorrow", "cursor=x", "cursor=WzFd"])
def test_what_is_no_instant_or_cursor_is_refused(service: TestClient, asked: str) -> None:
    assert service.get(f"/v1/followups?{asked}").status_code == 422


def test_what_a_decision_reserves_is_confirmed_and_goes_out(
    service: TestClient, journal: Journal, clock: SimulatedClock, now: Instant
) -> None:
    asked = {"customer_id": "ann", "kind": "promotion", "channels": ["direct_mail"]}
    decision = service.post("/v1/decisions", json=asked).json()
    (item,) = decision["items"]
    contact_id = item["contact_id"]
    assert [each.contact_id for each in journal.ledger(ANN, now).contacts] == [contact_id]
    confirmed = service.post(f"/v1/contacts/{contact_id}/confirm").json()
    assert (confirmed["moment"], confirmed["offers"]) == (item["moment"], [item["offer_id"]])
    clock.advance(parse_instant(item["moment"]) - now)
    sent = {"customer_id": "ann", "kind": "sent", "channel": "direct_mail", "decision_id": decision["decision_id"]}
    (receipt,) = service.post("/v1/events", json=[sent | {"event_id": "1"}]).json()["items"]
    assert not [note for note in receipt["notes"] if "overdrawn" in note]
    assert [each.standing for each in journal.ledger(ANN, now).contacts] == [Standing.SENT]


def test_a_dry_run_reserves_nothing(service: TestClient, journal: Journal, now: Instant) -> None:
    asked = {"customer_id": "ann", "kind": "promotion", "channels": ["direct_mail"], "dry_run": True}
    assert service.post("/v1/decisions", json=asked).json()["items"][0]["contact_id"] is None
    assert journal.ledger(ANN, now).contacts == ()
