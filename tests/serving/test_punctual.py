"""Answers by a deadline: a slow store, a slow model, a slow journal."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Event, Thread, active_count
from typing import Any, TypeVar

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import func, select

from features.catalogue import Catalogue
from features.domain import ChannelName, CustomerId
from serving import api
from serving.answer_api import Answer
from serving.feature_reader import KnownProfile, Stood
from serving.identity.identity import identity
from serving.journal import Cause, Journal
from serving.journal.schema import CONTACTS, COUNTERS, DECISIONS, TAKES
from serving.journal.transaction import Transaction
from serving.later import Later
from serving.part import PartName
from serving.parts import Parts
from serving.progress import Progress
from serving.punctual import Punctual
from serving.score import Model, Part
from serving.staff import staff_of
from serving.store import MemoryReader

R = TypeVar("R")
DEADLINE_MS = 2_000.0
"""Long enough for a busy machine to do everything that is not held up."""
ANN = {"customer_id": "ann", "kind": "promotion", "channels": ["direct_mail", "app"]}
HOLD = Event()
"""Set when a test is over: whatever is held up goes on."""


@pytest.fixture(autouse=True)
def _let_go() -> Any:
    HOLD.clear()
    yield
    HOLD.set()


class SlowStore(MemoryReader):
    """Does not answer before the test is over."""

    def customer(self, customer_id: CustomerId) -> tuple[bytes | None, KnownProfile | None]:
        HOLD.wait(600)
        return super().customer(customer_id)


class SlowAtMany(MemoryReader):
    """Tells of one customer, and of several not before the test is over."""

    def several(self, customer_ids: Sequence[CustomerId]) -> list[Stood]:
        HOLD.wait(600)
        return super().several(customer_ids)


@dataclass(frozen=True)
class SlowModel:
    """The same model, that waits where it is asked about anything but its making ready."""

    model: Model
    slow: Event
    version: str = "fake-1"

    def part(self, name: PartName, kind: str) -> Part | None:
        if self.slow.is_set():
            HOLD.wait(600)
        return self.model.part(name, kind)


class SlowJournal(Journal):
    """Commits, and says so only after the test is over."""

    slow = False

    def write_soon(self, change: Callable[[Transaction], R], erases: bool = False) -> Later[R]:
        done = super().write_soon(change, erases)
        if not self.slow:
            return done
        self.slow = False
        told: Later[R] = Later()

        def tell() -> None:
            HOLD.wait(600)
            told.set_result(done.result())

        Thread(target=tell, daemon=True).start()
        return told


def asked(client: TestClient) -> dict[str, Any]:
    """The answer, which came while something was still held up."""
    answer = client.post("/v1/decisions", json=ANN)
    assert answer.status_code == 200, answer.text
    assert not HOLD.is_set()
    found: dict[str, Any] = answer.json()
    return found


@pytest.fixture
def by_post(place: Path, shop: Catalogue) -> None:
    offers = tuple(
        replace(offer, channels=(ChannelName("direct_mail"),), valid_to=None)
        for offer in shop.offers
        if offer.kind == "promotion"
    )
    (place / "catalogue.json").write_text(replace(shop, offers=offers).to_json())


def test_a_store_that_is_late_is_done_without_and_the_answer_says_so(
    client: Callable[..., TestClient], by_post: None
) -> None:
    answer = asked(client(store=SlowStore(400.0), deadline_ms=DEADLINE_MS))
    assert "late" in answer["fallback_reasons"]
    assert answer["recorded"]
    assert answer["cold_start"]
    assert answer["versions"]["model"] is None


def test_who_was_read_together_with_others_when_the_store_was_late_is_done_without(
    parts: Callable[..., Parts], by_post: None
) -> None:
    made_of = parts(store=SlowAtMany(400.0))
    made_of.watch.refresh()
    staff = staff_of(made_of)
    people = [f"c{number}" for number in range(6)]
    names = [identity("customer_id", each) for each in people]
    for name in names:
        staff.clerk.journal.change_people(Cause(made_of.clock.now(), "test", "known"), lambda p, n=name: p.settle((n,)))  # type: ignore[misc]
    punctual = Punctual(staff.reception, DEADLINE_MS)
    asked = [api.DecisionRequest.model_validate(ANN | {"customer_id": each, "limit": 1}) for each in people]

    async def ask_all() -> list[Answer]:
        letters = await asyncio.gather(*(punctual.decide_soon(request) for request in asked))
        return [each.answer for each in letters]

    answers = asyncio.run(ask_all())
    assert not HOLD.is_set()
    assert {"late"} <= {reason for each in answers for reason in each.fallback_reasons} <= {"late", "cold_start"}
    assert all(each.recorded for each in answers)
    HOLD.set()
    punctual.close()
    made_of.journal.close()


@pytest.mark.parametrize("last", [False, True])
def test_where_no_thread_can_be_started_nothing_is_offered(
    client: Callable[..., TestClient], by_post: None, monkeypatch: pytest.MonkeyPatch, last: bool
) -> None:
    service, start = client(store=SlowStore(400.0), deadline_ms=DEADLINE_MS), Thread.start
    allowed = [True] * last

    def begin(thread: Thread) -> None:
        if thread.name == "decision" and not (allowed and allowed.pop()):
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(Thread, "start", begin)
    answer = asked(service)
    assert (answer["recorded"], answer["items"]) == (False, [])
    assert "late_for_all" in answer["fallback_reasons"]
    assert not allowed


def test_a_model_that_is_late_is_done_without(
    client: Callable[..., TestClient], model: Callable[..., Model], by_post: None
) -> None:
    slow = Event()
    service = client(load=lambda _: SlowModel(model({"promo-tea": 0.9}), slow), deadline_ms=DEADLINE_MS)
    before = asked(service)
    assert not before["fallback"]
    slow.set()
    answer = asked(service)
    assert answer["fallback_reasons"] == ["late"]
    assert not answer["personalised"]
    assert not answer["cold_start"]


def test_what_is_granted_after_the_deadline_is_released_and_was_not_offered(
    client: Callable[..., TestClient], model: Callable[..., Model], by_post: None, place: Path
) -> None:
    journal = SlowJournal(f"sqlite:///{place / 'journal.db'}")
    eager = model({"promo-tea": 0.9, "promo-milk": 0.9, "promo-rum": 0.9}, organic=0.0)
    service = client(load=lambda _: eager, journal=journal, deadline_ms=DEADLINE_MS)
    journal.slow = True
    answer = asked(service)
    assert answer["fallback_reasons"] == ["late_for_all"]
    assert not answer["items"]
    assert not answer["recorded"]
    HOLD.set()
    deadline = time.monotonic() + 20
    while (standings := _standings(journal)) != ["released"]:
        assert time.monotonic() < deadline, standings
        time.sleep(0.01)


def test_stock_that_an_inbound_offer_took_after_the_deadline_is_there_again(
    client: Callable[..., TestClient], place: Path, shop: Catalogue
) -> None:
    offers = tuple(
        replace(offer, channels=(ChannelName("app"),), valid_to=None, stock=5)
        for offer in shop.offers
        if offer.kind == "promotion"
    )
    (place / "catalogue.json").write_text(replace(shop, offers=offers).to_json())
    journal = SlowJournal(f"sqlite:///{place / 'journal.db'}")
    service = client(journal=journal, deadline_ms=DEADLINE_MS)
    assert asked(service)["items"]
    before = _taken(journal)
    assert before
    journal.slow = True
    assert not asked(service)["items"]
    assert _taken(journal) != before
    HOLD.set()
    deadline = time.monotonic() + 20
    while (taken := _taken(journal)) != before:
        assert time.monotonic() < deadline, taken
        time.sleep(0.01)


def _taken(journal: Journal) -> dict[str, float]:
    with journal.reading() as connection:
        summed = connection.execute(select(TAKES.c.key, func.sum(TAKES.c.amount)).group_by(TAKES.c.key))
        counted = dict(connection.execute(select(COUNTERS.c.key, COUNTERS.c.taken)).all())
        assert dict(summed.all()) == counted
        return counted


def _standings(journal: Journal) -> list[str]:
    with journal.reading() as connection:
        assert connection.execute(select(DECISIONS.c.decision_id)).first() is not None
        return list(connection.execute(select(CONTACTS.c.standing)).scalars())


def test_many_who_ask_at_once_are_answered_without_a_thread_for_each(
    parts: Callable[..., Parts], by_post: None
) -> None:
    made_of = parts()
    made_of.watch.refresh()
    punctual = Punctual(staff_of(made_of).reception, 0.0)
    request = api.DecisionRequest.model_validate(ANN | {"limit": 1})

    async def ask_all() -> list[Answer]:
        letters = await asyncio.gather(*(punctual.decide_soon(request) for _ in range(40)))
        return [each.answer for each in letters]

    before = active_count()
    answers = asyncio.run(ask_all())
    assert active_count() <= before + 2
    punctual.close()
    with made_of.journal.reading() as connection:
        kept = set(connection.execute(select(DECISIONS.c.decision_id)).scalars())
    assert {answer.decision_id for answer in answers} == kept
    assert len(kept) == len(answers) == 40
    made_of.journal.close()


def test_who_has_given_up_is_never_written_for() -> None:
    progress = Progress()
    assert progress.give_up()
    assert not progress.write()
    other = Progress()
    assert other.write()
    assert not other.give_up()
    assert not other.given_up
    other.abandon()
    assert other.given_up


def test_what_is_being_written_when_others_are_given_up_keeps_its_contact_and_is_counted(
    parts: Callable[..., Parts], by_post: None
) -> None:
    class Passing(Progress):
        """Three fifths of the time are over just when it begins to be written."""

        def write(self) -> bool:
            began = super().write()
            assert not self.give_up()
            return began

    made_of = parts()
    made_of.watch.refresh()
    staff = staff_of(made_of)
    answer = (
        staff.reception.decide_soon(api.DecisionRequest.model_validate(ANN | {"limit": 1}), Passing()).result().answer
    )
    contact_id = answer.items[0].contact_id
    assert contact_id is not None
    with made_of.journal.reading() as connection:
        assert connection.execute(select(CONTACTS.c.contact_id, CONTACTS.c.standing)).all() == [
            (contact_id, "reserved")
        ]
    assert sum(made_of.meter.tally().decisions.values()) == 1
    made_of.journal.close()
