"""A customer is erased while a decision for them is made: no record of it stays, whoever erases and wherever."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import closing
from dataclasses import dataclass
from threading import Event

import pytest

from features.clock import SimulatedClock
from features.domain import ChannelName, CustomerId, DecisionId, EventId, Kind
from features.instant import parse_instant
from features.state import close
from serving import api
from serving.clerk import Clerk
from serving.decision import Ask
from serving.desk import Desk, Made
from serving.events.arrival import Arrival
from serving.identity.identity import identity
from serving.journal import Cause, Journal
from serving.journal.errors import ErasedMeanwhileError
from serving.journal.transaction import Transaction
from serving.later import Later
from serving.live_store import LiveStore
from serving.parts import Parts
from serving.projection import Projection
from serving.reception import Reception
from serving.repeats import Call, Given, Repeats
from serving.shortfall import FORBIDDING, LASTING, Lack, Shortfall
from serving.values import MemoryValues
from tests.databases import journal_uri, migrated_database, postgres
from tests.serving.test_clerk import kept

__all__ = ["journal_uri", "migrated_database", "postgres"]
NOW = parse_instant("2017-10-01T12:00:00Z")
CAUSE = Cause(NOW, "test", "asked for")


@dataclass(frozen=True)
class Counter:
    """Where decisions are made and kept."""

    clerk: Clerk
    parts: Parts

    @property
    def journal(self) -> Journal:
        return self.clerk.journal

    def take_in(self, customer: str, event_id: str) -> None:
        who = (identity("customer_id", customer),)
        arrival = Arrival("till", EventId(event_id), who, Kind.PURCHASED, ChannelName("store"), NOW)
        self.journal.take_in([arrival], CAUSE)

    def decide(self, customer: str, number: int) -> Made:
        channels = frozenset({ChannelName("app")})
        ask = Ask(DecisionId(f"{customer}-{number}"), CustomerId(customer), NOW, None, channels, 1)
        return self.clerk.desk.decide(ask, self.parts.watch.current)

    def keep(self, made: Made) -> Later[Made]:
        return self.clerk.keep_soon(made, kept)

    def kept(self, *numbers: str) -> list[bool]:
        return [self.journal.decision(DecisionId(number)) is not None for number in numbers]


class SlowValues(MemoryValues):
    """Values before whose writing something happens."""

    before: Callable[[], None]

    def put(self, values: Sequence[tuple[CustomerId, bytes]]) -> None:
        self.before()
        super().put(values)


class ReadValues(MemoryValues):
    """Values before whose reading something happens."""

    before: Callable[[], None]

    def get(self, customer_id: CustomerId) -> bytes | None:
        self.before()
        return super().get(customer_id)


@pytest.fixture
def counter(parts: Callable[..., Parts], journal_uri: str) -> Iterator[Counter]:
    """One that has decided before, for Ann and for Bob."""
    made_of = parts(journal=Journal(journal_uri))
    projection = Projection(made_of.journal, made_of.values, lambda: frozenset({"milk", "tea", "rum"}))
    found = Counter(Clerk(made_of.journal, Desk(LiveStore(made_of.store, projection))), made_of)
    for customer in ("ann", "bob"):
        found.take_in(customer, customer)
        found.keep(found.decide(customer, 0)).result()
    yield found
    made_of.journal.close()


@pytest.fixture(params=["here", "elsewhere"])
def erase(request: pytest.FixtureRequest, counter: Counter, journal_uri: str) -> Callable[[str], None]:
    """Erases a customer, in the same process or in another one."""

    def change(customer: str) -> None:
        if request.param == "here":
            counter.journal.erase(CustomerId(customer), CAUSE)
        else:
            with closing(Journal(journal_uri)) as other:
                other.erase(CustomerId(customer), CAUSE)

    return change


@pytest.mark.parametrize("together", [1, 3])
def test_a_decision_that_reserves_nothing_is_not_kept_where_its_customer_was_erased(
    counter: Counter, erase: Callable[[str], None], together: int
) -> None:
    made = [counter.decide("ann", 1), counter.decide("bob", 1), counter.decide("cem", 1)][:together]
    assert all(each.decision.grant.empty for each in made)
    erase("ann")
    with counter.journal.together():
        written = [counter.keep(each) for each in made]
    assert isinstance(written[0].exception(), ErasedMeanwhileError)
    assert counter.kept("ann-0", "ann-1") == [False, False]
    assert all(each.exception() is None for each in written[1:])
    assert counter.kept("bob-0", "bob-1", "cem-1") == [True, together > 1, together > 2]


def test_whoever_was_asked_for_after_an_erasure_is_decided_for_as_one_who_is_not_known(
    counter: Counter, erase: Callable[[str], None]
) -> None:
    counter.keep(counter.decide("cem", 1)).result()
    made = counter.decide("cem", 2)
    erase("cem")
    found = counter.keep(made).result()
    assert found is not made
    assert counter.kept("cem-1", "cem-2") == [False, True]
    erase("ann")
    again = counter.decide("ann", 2)
    counter.keep(again).result()
    assert again.decision.circumstances.ledger.revision == 0
    assert counter.kept("ann-0", "ann-2") == [False, True]


@pytest.mark.parametrize("customer", ["ann", "bob", "cem"])
def test_what_must_offer_nothing_offers_nothing_and_says_why_after_an_erasure_too(
    counter: Counter, erase: Callable[[str], None], customer: str
) -> None:
    ask, equipment = counter.decide(customer, 1).decision.ask, counter.parts.watch.current
    erase("ann")
    made = counter.clerk.desk.nothing(ask, equipment)
    found = counter.keep(made).result()
    assert found is made
    assert {each.lack for each in found.decision.lacking} == {Lack.LATE_FOR_ALL}
    assert counter.kept(ask.decision_id) == [True]


def test_what_offers_nothing_as_nothing_was_read_is_kept_beside_others_after_an_erasure_too(
    counter: Counter, erase: Callable[[str], None]
) -> None:
    made = [counter.decide(customer, 1) for customer in ("ann", "bob")]
    late = [counter.clerk.desk.nothing(each.decision.ask, each.equipment) for each in made]
    erase("ann")
    with counter.journal.together():
        written = [counter.keep(each) for each in late]
    assert [each.result() for each in written] == late
    assert counter.kept("ann-1", "bob-1") == [True, True]


@pytest.mark.parametrize("lack", sorted(LASTING))
def test_what_is_made_anew_after_an_erasure_is_as_late_and_as_forbidden_as_before(
    counter: Counter, erase: Callable[[str], None], lack: Lack
) -> None:
    made = counter.decide("cem", 1).without(Shortfall(lack, "So it is."))
    erase("ann")
    found = counter.keep(made).result()
    assert found is not made
    assert [each.lack for each in found.decision.lacking] == [lack]
    assert bool(found.decision.menu.pairs) == (lack not in FORBIDDING)


def test_whoever_has_the_number_of_the_erased_is_not_taken_for_them(
    counter: Counter, erase: Callable[[str], None]
) -> None:
    made = counter.decide("ann", 1)
    erase("ann")
    counter.take_in("ann", "again")
    found = counter.keep(made).result()
    before, now = made.decision, found.decision
    assert now.circumstances.ledger.revision == counter.journal.standing(CustomerId("ann")).revision
    assert now.circumstances.ledger.revision > before.circumstances.ledger.revision
    assert now.known.activity == counter.decide("ann", 2).decision.known.activity


def test_who_was_not_erased_keeps_a_decision_that_nothing_has_changed(
    counter: Counter, erase: Callable[[str], None]
) -> None:
    made = counter.decide("bob", 1)
    erase("ann")
    assert counter.keep(made).result() is made


def test_a_decision_that_is_just_being_kept_goes_with_its_customer(
    counter: Counter, erase: Callable[[str], None]
) -> None:
    row, begun, go_on = kept(counter.decide("ann", 1)), Event(), Event()

    def slowly(transaction: Transaction) -> None:
        transaction.keep_beside(row, lambda _: None)
        _ = transaction.connection  # by which it is written
        begun.set()
        assert go_on.wait(10)

    with ThreadPoolExecutor(1) as pool:
        written = counter.journal.write_soon(slowly)
        assert begun.wait(10)
        erased = pool.submit(erase, "ann")
        assert not wait([erased], 0.3).done
        go_on.set()
        written.result()
        erased.result()
    assert counter.kept("ann-0", "ann-1") == [False, False]


@pytest.mark.parametrize("journal_uri", ["postgresql"], indirect=True)  # on SQLite one writes at a time
def test_whoever_erases_is_not_kept_out_by_those_who_go_on_writing(counter: Counter, journal_uri: str) -> None:
    others, begun, go_on = [Journal(journal_uri) for _ in range(3)], Event(), Event()
    assert [each.count_erasures() for each in others] == [0, 0, 0]  # and all of them are open

    def slowly(_: Transaction) -> None:
        begun.set()
        assert go_on.wait(30)

    with closing(others[0]) as first, closing(others[1]) as eraser, closing(others[2]) as late:
        written = first.write_soon(slowly)
        assert begun.wait(10)
        with ThreadPoolExecutor(1) as pool:
            erased = pool.submit(eraser.erase, CustomerId("ann"), CAUSE)
            assert not wait([erased], 0.3).done
            found = late.write_soon(lambda transaction: transaction.erasures)
            overtook = Event()
            found.add_done_callback(lambda _: overtook.set())
            overtaken = overtook.wait(0.3)
            go_on.set()
            written.result()
            erased.result()
        assert not overtaken
        assert found.result() == 1


def test_an_answer_that_tells_of_the_erased_is_not_kept_for_calls_that_come_again(
    counter: Counter, erase: Callable[[str], None]
) -> None:
    repeats, call = Repeats(counter.journal, SimulatedClock(NOW)), Call("test", "key", "/v1/decisions", b"{}")

    def work(answer: str) -> Given:
        erase("ann")
        return Given(answer, frozenset({CustomerId("ann")}))

    assert repeats.once(call, lambda: work("of ann")) == "of ann"
    assert repeats.once(call, lambda: Given("of nobody", frozenset())) == "of nobody"
    assert repeats.once(call, lambda: Given("else", frozenset())) == "of nobody"


@pytest.mark.parametrize("customer", ["ann", "cem"])  # who is known, and who is not
def test_an_answer_stays_kept_for_calls_that_come_again_where_somebody_else_was_erased(
    counter: Counter, erase: Callable[[str], None], customer: str
) -> None:
    repeats, call = Repeats(counter.journal, SimulatedClock(NOW)), Call("test", "key", "/v1/decisions", b"{}")

    def work() -> Given:
        decision_id = counter.keep(counter.decide(customer, 1)).result().decision.ask.decision_id
        erase("bob")
        return Given("the first", frozenset({CustomerId(customer)}), decision_id=decision_id)

    assert repeats.once(call, work) == "the first"
    assert repeats.once(call, lambda: Given("another", frozenset())) == "the first"


def test_an_answer_that_tells_of_nobody_stays_kept_whoever_was_erased_meanwhile(
    counter: Counter, erase: Callable[[str], None]
) -> None:
    repeats, call = Repeats(counter.journal, SimulatedClock(NOW)), Call("test", "key", "/v1/jobs", b"{}")

    def work() -> Given:
        erase("bob")
        return Given("the first", frozenset())

    assert repeats.once(call, work) == "the first"
    assert repeats.once(call, lambda: Given("another", frozenset())) == "the first"


def test_an_answer_that_tells_of_the_erased_is_not_kept_although_somebody_has_their_number_again(
    counter: Counter, erase: Callable[[str], None]
) -> None:
    repeats, call = Repeats(counter.journal, SimulatedClock(NOW)), Call("test", "key", "/v1/decisions", b"{}")

    def work() -> Given:
        decision_id = counter.keep(counter.decide("ann", 1)).result().decision.ask.decision_id
        erase("ann")
        counter.keep(counter.decide("ann", 2)).result()
        return Given("of ann", frozenset({CustomerId("ann")}), decision_id=decision_id)

    assert repeats.once(call, work) == "of ann"
    assert repeats.once(call, lambda: Given("of nobody", frozenset())) == "of nobody"


def test_whoever_the_service_chose_and_somebody_erased_before_it_was_decided_is_not_decided_for(
    counter: Counter, erase: Callable[[str], None]
) -> None:
    reception = Reception(counter.clerk, SimulatedClock(NOW), lambda: counter.parts.watch.current, simulated=False)
    request = api.DecisionRequest(customer_id="ann", channels=["app"])
    assert reception.decide(request, known=True).recorded
    erase("ann")
    found = reception.decide(request, known=True)
    assert (found.recorded, found.items) == (False, [])
    assert reception.decide(request).recorded


def written_meanwhile(counter: Counter, erase: Callable[[str], None], *after: str) -> Projection:
    """Ann is erased while her value and Bob's are written, events with her number follow, and hers does not stay."""
    values, ann, bob = SlowValues(), CustomerId("ann"), CustomerId("bob")
    projection = Projection(counter.journal, values)

    def while_it_is_written() -> None:
        erase("ann")
        values.forget([ann])
        for event in after:
            counter.take_in("ann", event)

    values.before = while_it_is_written
    projection.settle([ann, bob])
    values.before = lambda: None
    assert (values.get(ann) is None, values.get(bob) is None) == (True, False)
    return projection


def test_a_value_that_is_written_after_its_customer_was_erased_does_not_stay(
    counter: Counter, erase: Callable[[str], None]
) -> None:
    projection, ann = written_meanwhile(counter, erase), CustomerId("ann")
    counter.take_in("ann", "again")
    assert projection.settled(ann) is not None


def test_what_was_stored_of_somebody_who_is_erased_while_it_is_read_is_not_known(
    counter: Counter, erase: Callable[[str], None]
) -> None:
    values, ann = ReadValues(), CustomerId("ann")
    store = LiveStore(counter.parts.store, Projection(counter.journal, values))
    values.before = lambda: erase("ann")
    assert counter.parts.store.customer(ann)[0] is not None
    assert None not in counter.parts.store.customer(ann)
    assert store.known(ann, NOW, counter.journal.standing(ann)) == (None, None, None)


def test_a_value_of_the_erased_does_not_become_one_of_whoever_has_their_number_then(
    counter: Counter, erase: Callable[[str], None]
) -> None:
    projection, ann = written_meanwhile(counter, erase, "after"), CustomerId("ann")
    assert close(projection.state(ann), Projection(counter.journal, MemoryValues()).state(ann))
