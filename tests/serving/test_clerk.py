"""A decision is granted and recorded in one transaction, through the running service."""

from __future__ import annotations

import json
from base64 import b85decode
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient

from features.catalogue import Catalogue
from features.domain import ChannelName, CustomerId, DecisionId
from features.instant import parse_instant
from serving import basis, findings, wire
from serving.clerk import Clerk
from serving.consent import Consent
from serving.decision import Ask
from serving.desk import Desk, Made
from serving.identity.identity import identity
from serving.journal import Cause, Journal, Record
from serving.journal.consents import state_consent
from serving.journal.decisions import row_of
from serving.journal.names import book
from serving.journal.people import People
from serving.journal.record import Row
from serving.letter import Letter
from serving.live_store import LiveStore
from serving.parts import Parts
from serving.projection import Projection
from serving.score import Model
from serving.snapshot import Snapshot

NOW = parse_instant("2017-10-01T12:00:00Z")
POST = {"kind": "promotion", "channels": ["direct_mail"]}
Asking = Callable[..., dict[str, Any]]


@pytest.fixture
def mailed(place: Path, shop: Catalogue, model: Callable[..., Model]) -> dict[str, Any]:
    """Promotions go by post, are worth it, and there are three of milk."""
    offers = tuple(
        replace(
            offer,
            channels=(ChannelName("direct_mail"), ChannelName("app")),
            valid_to=None,
            stock=3 if offer.offer_id == "promo-milk" else None,
        )
        for offer in shop.offers
        if offer.kind == "promotion"
    )
    (place / "catalogue.json").write_text(replace(shop, offers=offers).to_json())
    eager = model({"promo-milk": 0.9, "promo-tea": 0.8, "promo-rum": 0.7}, organic=0.0)
    return {"load": lambda folder: replace(eager, version=folder.name)}  # type: ignore[type-var]


def asks(client: TestClient) -> Asking:
    def ask(customer: str, **more: Any) -> dict[str, Any]:
        answer = client.post("/v1/decisions", json={"customer_id": customer, **POST, **more})
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    return ask


def policy(place: Path, **lines: Any) -> None:
    (place / "policy.json").write_text(json.dumps(lines))


ONE_A_DAY = [{"name": "one a day", "per": "all", "most": 1, "window": {"calendar": "day"}}]


def test_one_message_is_granted_where_the_cap_allows_one_however_many_ask_at_once(
    client: Callable[..., TestClient], mailed: dict[str, Any], place: Path
) -> None:
    policy(place, caps=ONE_A_DAY, horizon_hours=0)
    ask = asks(client(**mailed))
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: ask("ann", explain="funnel"), range(16)))
    granted = [answer for answer in answers if any(item["contact_id"] for item in answer["items"])]
    assert len(granted) == 1
    for answer in answers:
        rules = Counter(removed["rule"] for removed in answer["funnel"]["removed"])
        assert answer in granted or rules["cap"] == 3
    assert all(answer["recorded"] for answer in answers)


def test_stock_goes_to_as_many_as_there_are_and_the_others_are_drawn_again(
    client: Callable[..., TestClient], mailed: dict[str, Any], place: Path
) -> None:
    policy(place, horizon_hours=0, exploration={"floor": 0.01, "per_root": 1000.0, "share": 1.0})
    ask = asks(client(**mailed))
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda number: ask(f"c{number}", limit=1), range(24)))
    offers = Counter(answer["items"][0]["offer_id"] for answer in answers if answer["items"])
    assert offers["promo-milk"] == 3
    assert offers["promo-tea"] > 10
    assert all(0 < answer["items"][0]["probability"] <= 1 for answer in answers if answer["items"])
    after = ask("late", explain="funnel")
    assert {r["rule"] for r in after["funnel"]["removed"] if r["offer_id"] == "promo-milk"} == {"stock"}


Desked = tuple[Clerk, Callable[..., Made]]


@pytest.fixture
def clerk(parts: Callable[..., Parts], mailed: dict[str, Any], place: Path) -> Iterator[Desked]:
    """A clerk, and the decision that its desk makes for a customer."""
    policy(place, horizon_hours=0, caps=ONE_A_DAY)
    made_of = parts(**mailed)
    projection = Projection(made_of.journal, made_of.values, lambda: frozenset({"milk", "tea", "rum"}))
    desk = Desk(LiveStore(made_of.store, projection))

    def decide(customer: str, number: int = 0) -> Made:
        channels = frozenset({ChannelName("direct_mail")})
        ask = Ask(DecisionId(f"{customer}-{number}"), CustomerId(customer), NOW, "promotion", channels, 1)
        return desk.decide(ask, made_of.watch.current)

    yield Clerk(made_of.journal, desk), decide
    made_of.journal.close()


def kept(made: Made) -> Row:
    decision, nothing = made.decision, np.zeros((0, 0), dtype=np.float32)
    record = Record(
        decision.ask.decision_id,
        decision.ask.customer_id,
        decision.ask.at,
        "{}",
        Letter.of(wire.answer(decision, made.equipment, "none", {}, True)).text.decode(),
        {},
        (),
        (),
        nothing,
        basis.to_bytes(decision, made.equipment),
        findings.to_bytes(decision),
        basis.state_of(decision),
    )
    return row_of(record)


def test_who_chose_what_was_sold_out_meanwhile_is_drawn_again(clerk: Desked) -> None:
    keeper, decide = clerk
    made = [decide(f"c{number}") for number in range(5)]
    found = [keeper.keep(each, kept).decision for each in made]
    assert [each.items[0].scored.pair.offer.offer_id for each in found] == ["promo-milk"] * 3 + ["promo-tea"] * 2
    assert [each.circumstances.attempt for each in found] == [0, 0, 0, 1, 1]
    assert all(each.circumstances.exhausted == {"stock:promo-milk"} for each in found[3:])
    assert {each.items[0].probability for each in found} == {1.0}


def test_who_was_granted_something_meanwhile_is_decided_for_anew(clerk: Desked) -> None:
    keeper, decide = clerk
    first, second = decide("ann", 1), decide("ann", 2)
    assert first.decision.grant.contacts
    assert second.decision.grant.contacts
    assert keeper.keep(first, kept) is first
    found = keeper.keep(second, kept).decision
    assert not found.items
    assert "cap" in found.funnel.removed.counts()
    assert found.circumstances.ledger.contacts[0].contact_id == "ann-1-1"


def test_an_objection_that_came_meanwhile_holds(clerk: Desked) -> None:
    keeper, decide = clerk
    made = decide("ann")

    def object_(people: People) -> None:
        people.settle((identity("customer", "ann"),))
        state_consent(people.names.connection, CustomerId("ann"), Consent("marketing", False, NOW, "form"))
        book(people.names.connection, [CustomerId("ann")], people.names.transaction.next_position())

    keeper.journal.change_people(Cause(NOW, "test", "form"), object_)
    assert made.decision.items
    assert not keeper.keep(made, kept).decision.items


def test_the_record_of_a_decision_made_anew_is_of_that_one(clerk: Desked) -> None:
    keeper, decide = clerk
    first, second = decide("ann", 1), decide("ann", 2)
    keeper.keep(first, kept)
    keeper.keep(second, kept)
    record = keeper.journal.decision(DecisionId("ann-2"))
    assert record is not None
    assert record.intact
    assert not findings.from_bytes(record.findings, record.answer).items
    assert len(basis.from_bytes(record.basis).circumstances.ledger.contacts) == 1


def test_what_the_evidence_was_is_kept_with_the_first_decision_that_used_it(
    clerk: Desked,
) -> None:
    keeper, decide = clerk
    made = decide("ann")
    keeper.keep(made, kept)
    version = keeper.journal.document(made.equipment.snapshot.fingerprint)
    assert version is not None
    assert Snapshot.unpacked(b85decode(version.body)).fingerprint == made.equipment.snapshot.fingerprint


def test_without_a_journal_nothing_is_granted_and_nothing_offered(
    client: Callable[..., TestClient], mailed: dict[str, Any], tmp_path: Path
) -> None:
    answer = asks(client(**mailed, journal=Journal(f"sqlite:///{tmp_path}")))("ann")
    assert not answer["items"]
    assert not answer["recorded"]
    assert "journal_unavailable" in answer["fallback_reasons"]
