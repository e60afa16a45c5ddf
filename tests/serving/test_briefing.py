"""Decisions of which all is read at once are those that each would be alone, and are held to the same."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import msgspec
import pytest

from features.catalogue import Catalogue
from features.domain import ChannelName, CustomerId, Kind
from features.instant import parse_instant
from features.stored import VIEWS
from serving import api
from serving.answer_api import Answer
from serving.briefing import Due
from serving.consent import Consent
from serving.journal import Cause, Record, openings
from serving.journal.consents import state_consent
from serving.journal.decisions import row_of
from serving.journal.dossier import by_names
from serving.journal.names import book
from serving.journal.people import People
from serving.journal.record import Row
from serving.packed_connection import PackedConnection
from serving.packed_file import PROJECT, create, open_to_write, put, table_name
from serving.parts import Parts
from serving.problem import RefusalError
from serving.progress import Progress
from serving.reception import Reception
from serving.score import Model
from serving.staff import Staff, staff_of
from serving.store import MemoryReader, SqliteReader
from serving.values import SqliteValues
from serving.wire import answer

NOW = parse_instant("2017-10-01T12:00:00Z")
POST = {"kind": "promotion", "channels": ["direct_mail"], "limit": 1}
WEB = {"kind": "promotion", "channels": ["app"]}
ONE_A_DAY = [{"name": "one a day", "per": "all", "most": 1, "window": {"calendar": "day"}}]
PEOPLE = ("ann", "bob", "cem", "dora", "eve")


@pytest.fixture(autouse=True)
def no_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """However busy the machine is, there is time to decide ahead."""
    monkeypatch.setattr("serving.ahead.AHEAD_S", 60.0)


@pytest.fixture
def made_of(
    parts: Callable[..., Parts], place: Path, shop: Catalogue, store: MemoryReader, model: Callable[..., Model]
) -> Iterator[Parts]:
    """A shop whose promotions go by post, one a day, and stand in the app; the store is a file."""
    offers = tuple(
        replace(offer, channels=(ChannelName("direct_mail"), ChannelName("app")), valid_to=None)
        for offer in shop.offers
        if offer.kind == "promotion"
    )
    (place / "catalogue.json").write_text(replace(shop, offers=offers).to_json())
    (place / "policy.json").write_text(json.dumps({"horizon_hours": 0, "caps": ONE_A_DAY}))
    con = open_to_write(place / "online.db")
    for view in VIEWS:
        create(con, table_name(PROJECT, view.name))
        put(con, table_name(PROJECT, view.name), store._get_all(view))
    con.close()
    eager, reading = model({"promo-milk": 0.9, "promo-tea": 0.8}, organic=0.0), PackedConnection(place / "online.db")
    made = parts(load=lambda folder: replace(eager, version=folder.name), store=SqliteReader(reading.path, 400))  # type: ignore[type-var]
    found = replace(made, values=SqliteValues(reading.path, reading=reading))
    found.watch.refresh()
    yield found
    found.journal.close()


@pytest.fixture
def staff(made_of: Parts) -> Staff:
    """Of a service that knows five people, each of whom did something."""
    found, kinds = staff_of(made_of), (Kind.VISITED, Kind.CARTED, Kind.PURCHASED, Kind.CONTACTED_US, Kind.CLICKED)
    for number, who in enumerate(PEOPLE):
        tell(found, who, *(kinds[place % len(kinds)] for place in range(number + 1)))
    return found


def tell(staff: Staff, who: str, *kinds: Kind, **more: object) -> None:
    tell.told += 1  # type: ignore[attr-defined]
    events = [
        {
            "source": "test",
            "event_id": f"{who}-{tell.told}-{place}",  # type: ignore[attr-defined]
            "customer_id": who,
            "kind": kind,
            "channel": "app",
            "occurred_at": "2017-10-01T10:00:00Z",
            "category": "milk",
            **more,
        }
        for place, kind in enumerate(kinds)
    ]
    assert all(receipt.position is not None for receipt in staff.intake.accept(events, "test"))


tell.told = 0  # type: ignore[attr-defined]


def object_(staff: Staff, who: str) -> None:
    def change(people: People) -> None:
        state_consent(people.names.connection, CustomerId(who), Consent("marketing", False, NOW, "form"))
        book(people.names.connection, [CustomerId(who)], people.names.transaction.next_position())

    staff.clerk.journal.change_people(Cause(NOW, "test", "form"), change)


def due(who: str, **more: Any) -> Due:
    return Due(api.DecisionRequest.model_validate({"customer_id": who, **POST, **more}), Progress())


def together(
    reception: Reception, dues: list[Due], meanwhile: Callable[[], object] = lambda: None
) -> tuple[list[Answer], list[bool]]:
    """The answers, and of whom all was read at once, and decided."""
    with reception.together():
        reception.brief(dues)
        briefed = [each.progress in reception._ahead.proposals for each in dues]
        meanwhile()
        soon = [reception.decide_soon(each.request, each.progress) for each in dues]
    return [each.result().answer for each in soon], briefed


def said(answer: Answer) -> object:
    """What does not depend on when it was asked, and with which number."""
    plain = cast(dict[str, object], msgspec.to_builtins(answer))
    return {key: value for key, value in plain.items() if key not in ("decision_id", "timings_ms")}


def test_a_decision_is_the_same_whether_its_customer_is_read_alone_or_with_others(staff: Staff) -> None:
    object_(staff, "dora")
    asked = [due(who, dry_run=True, seed=7, explain="funnel") for who in (*PEOPLE, "nobody", "ann")]
    alone = [staff.reception.decide(each.request) for each in asked]
    found, briefed = together(staff.reception, asked)
    assert briefed == [True] * 5 + [False, True]
    assert [said(each) for each in found] == [said(each) for each in alone]
    assert len({json.dumps(said(each)) for each in found}) == 6
    assert not found[3].items


def test_two_requests_of_one_customer_share_one_place_under_the_cap(staff: Staff) -> None:
    found, briefed = together(staff.reception, [due("ann"), due("bob"), due("ann")])
    assert briefed == [True] * 3
    assert [[bool(item.contact_id) for item in each.items] for each in found] == [[True], [True], []]
    assert all(each.recorded for each in found)


@pytest.mark.parametrize("what", ["objected", "did something", "got a message"])
def test_what_came_after_the_read_has_it_decided_anew(staff: Staff, what: str) -> None:
    def meanwhile() -> None:
        if what == "objected":
            object_(staff, "ann")
        elif what == "did something":
            tell(staff, "ann", Kind.COMPLAINED)
        else:
            tell(staff, "ann", Kind.SENT, channel="direct_mail")

    found, briefed = together(staff.reception, [due("ann"), due("bob")], meanwhile)
    assert briefed == [True] * 2
    assert not found[0].items
    assert found[1].items


def test_who_turns_out_to_be_someone_who_was_told_enough_is_told_no_more(staff: Staff) -> None:
    device = [{"namespace": "device", "value": "d1"}]
    tell(staff, "", Kind.SENT, channel="direct_mail", customer_id=None, identities=device)

    def join() -> None:
        tell(staff, "ann", Kind.VISITED, identities=device)

    found, briefed = together(staff.reception, [due("ann"), due("bob")], join)
    assert briefed == [True, True]
    assert [len(each.items) for each in found] == [0, 1]


def test_who_comes_with_news_or_other_names_is_received_first(staff: Staff) -> None:
    news = {"source": "shop", "event_id": "n", "kind": "visited", "channel": "app"}
    device = [{"namespace": "device", "value": "d1"}]
    asked = [due("ann", events=[news]), due("bob", identities=device), due("cem"), due("dora")]
    found, briefed = together(staff.reception, asked)
    assert briefed == [False, False, True, True]
    assert all(each.recorded and not each.fallback for each in found)


def test_one_whose_value_is_behind_the_journal_is_read_alone(staff: Staff) -> None:
    staff.projection.values.remove([CustomerId("cem")])
    asked = [due(who, dry_run=True, seed=7) for who in PEOPLE]
    found, briefed = together(staff.reception, asked)
    assert briefed == [True, True, False, True, True]
    assert said(found[2]) == said(staff.reception.decide(asked[2].request))
    assert not found[2].cold_start


def test_what_was_read_is_forgotten_with_the_group(staff: Staff) -> None:
    asked = [due("ann"), due("bob")]
    with staff.reception.together():
        staff.reception.brief(asked)
    object_(staff, "ann")
    found = staff.reception.decide_soon(asked[0].request, asked[0].progress).result().answer
    assert not found.items


def test_what_there_is_no_time_for_is_decided_in_its_own_turn(staff: Staff, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = [due(who, dry_run=True, seed=7) for who in PEOPLE]
    ahead, _ = together(staff.reception, asked)
    monkeypatch.setattr("serving.ahead.AHEAD_S", -1.0)
    found, decided = together(staff.reception, asked)
    assert not any(decided)
    assert [said(each) for each in found] == [said(each) for each in ahead]


def test_records_are_packed_ahead_and_an_explanation_which_may_take_long_is_written_in_its_own_turn(
    staff: Staff, monkeypatch: pytest.MonkeyPatch
) -> None:
    written, packed = list[str](), list[str]()

    def slowly(*given: Any) -> Answer:
        written.append(given[0].ask.customer_id)
        return answer(*given)

    def pack(record: Record) -> Row:
        packed.append(record.customer_id)
        return row_of(record)

    monkeypatch.setattr("serving.proposal.answer", slowly)
    monkeypatch.setattr("serving.proposal.row_of", pack)
    asked = [due("ann"), due("bob", explain="funnel"), due("cem")]
    found, decided = together(staff.reception, asked, lambda: [each.append("turn") for each in (written, packed)])
    assert decided == [True] * 3
    assert written == ["turn", "bob"]
    assert packed == ["ann", "cem", "turn", "bob"]
    assert [each.funnel is not None for each in found] == [False, True, False]


def test_what_is_refused_is_refused_in_its_own_turn_and_the_others_are_answered(staff: Staff) -> None:
    asked = [due("ann"), due("bob", seed=7), due("cem")]
    with staff.reception.together():
        staff.reception.brief(asked)
        first = staff.reception.decide_soon(asked[0].request, asked[0].progress)
        with pytest.raises(RefusalError, match="dry_run"):
            staff.reception.decide_soon(asked[1].request, asked[1].progress)
        last = staff.reception.decide_soon(asked[2].request, asked[2].progress)
    assert first.result().answer.recorded
    assert last.result().answer.recorded


def test_alone_nobody_is_read_ahead(staff: Staff) -> None:
    found, briefed = together(staff.reception, [due("ann")])
    assert briefed == [False]
    assert found[0].items


def test_where_the_store_cannot_be_read_each_is_answered_as_alone(staff: Staff, place: Path) -> None:
    for file in place.glob("online.db*"):
        file.rename(place / f"away-{file.name}")
    found, briefed = together(staff.reception, [due("ann"), due("bob")])
    assert briefed == [False, False]
    assert all(each.fallback and each.cold_start and each.recorded for each in found)


def test_where_the_journal_is_replaced_each_is_answered_as_alone(staff: Staff, place: Path) -> None:
    def replaced() -> None:
        for file in place.glob("journal.db*"):
            file.rename(place / f"away-{file.name}")

    found, briefed = together(staff.reception, [due("ann"), due("bob")], replaced)
    assert briefed == [True, True]
    assert not any(each.items or each.recorded for each in found)
    found, briefed = together(staff.reception, [due("ann"), due("bob")])
    assert briefed == [False, False]
    assert not any(each.items or each.recorded for each in found)


def test_what_was_rehearsed_is_ready(staff: Staff) -> None:
    caches = by_names, openings._openings, openings._closings
    staff.reception.rehearse(16)
    written = [cache.cache_info().misses for cache in caches]
    for n in (2, 3, 5):
        together(staff.reception, [due(who, dry_run=True) for who in PEOPLE[:n]])
    assert [cache.cache_info().misses for cache in caches] == written


def test_the_time_of_reading_is_told(staff: Staff) -> None:
    found, _ = together(staff.reception, [due("ann"), due("bob")])
    assert all(0 < each.timings_ms["read"] <= each.timings_ms["total"] for each in found)
