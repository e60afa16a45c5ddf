"""A budget is charged with an incentive until it is known whether it is used; on both databases."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from features.domain import DAY, HOUR, Category, ChannelName, CustomerId, DecisionId, EventId, Instant, Kind, OfferId
from features.instant import parse_instant
from serving.events.arrival import Arrival
from serving.identity.identity import distinct, identity
from serving.journal import Cause, Journal
from serving.journal.counters import put_back, taken
from serving.journal.holds import any_to_settle, cancel_holds, settle
from serving.journal.reserving import reserve
from serving.journal.standings import confirm, release
from serving.ledger.contact import Contact, ContactId, Standing
from serving.ledger.reservation import Held, Reserved, Take

NOW = parse_instant("2024-03-01T12:00:00Z")
OVER = Instant(NOW + 8 * DAY)
ANN, BOB = CustomerId("ann"), CustomerId("bob")
TEA, DRINKS = OfferId("tea"), Category("drinks")
COUPON = Held(TEA, 80.0, Kind.REDEEMED, None, Instant(NOW + 7 * DAY))
BONUS = Held(TEA, 80.0, Kind.PURCHASED, DRINKS, Instant(NOW + 7 * DAY))


def happened(journal: Journal, kind: Kind, at: int = NOW + DAY, customer: str = ANN, **more: object) -> None:
    number = journal.position()
    names = distinct([identity("customer_id", customer)])
    event = Arrival("test", EventId(f"e{number}"), names, kind, ChannelName("store"), Instant(at))
    journal.take_in([replace(event, **more)], Cause(Instant(at), "test", "event"))  # type: ignore[arg-type]


def granted(journal: Journal, held: Held, contact: str | None = "letter") -> None:
    """A grant that takes 100 of a budget, 80 of it for the incentive."""
    happened(journal, Kind.VISITED, NOW - DAY)
    revision = journal.ledger(ANN, NOW).revision
    contacts = [] if contact is None else [_letter(contact)]
    takes = [Take("budget:all", 100.0, 1_000.0, None if contact is None else ContactId(contact), held)]
    made = DecisionId("d1")
    outcome = journal.write(lambda t: reserve(t, ANN, revision, contacts, takes, NOW, decision_id=made))
    assert isinstance(outcome, Reserved)


def _letter(name: str) -> Contact:
    return Contact(
        ContactId(name), ChannelName("email"), NOW, (TEA,), (DRINKS,), ("marketing",), 5, True, Standing.RESERVED,
        Instant(NOW + HOUR), DecisionId("d1"),
    )  # fmt: skip


def spent(journal: Journal, at: Instant = OVER) -> float:
    """What the budget is charged with after everything is settled that can be."""
    journal.write(lambda transaction: settle(transaction, at))
    with journal.reading() as connection:
        assert not any_to_settle(connection, at)
        return taken(connection, ["budget:all"])["budget:all"]


@pytest.mark.parametrize("contact", ["letter", None])
def test_what_nobody_used_comes_back_once(journal: Journal, contact: str | None) -> None:
    granted(journal, COUPON, contact)
    if contact is not None:
        journal.write(lambda t: confirm(t, ContactId(contact), NOW))
    assert spent(journal, Instant(OVER - 1)) == 100.0
    assert spent(journal) == pytest.approx(20.0)
    assert spent(journal) == pytest.approx(20.0)


@pytest.mark.parametrize(
    ("held", "happening", "left"),
    [
        (COUPON, lambda journal: happened(journal, Kind.REDEEMED, offer_id=TEA), 100.0),
        (COUPON, lambda journal: happened(journal, Kind.REDEEMED, offer_id=OfferId("rum")), 20.0),
        (COUPON, lambda journal: happened(journal, Kind.PURCHASED, category=DRINKS), 20.0),
        (COUPON, lambda journal: happened(journal, Kind.REDEEMED, NOW + 9 * DAY, offer_id=TEA), 20.0),
        (COUPON, lambda journal: happened(journal, Kind.REDEEMED, customer=BOB, offer_id=TEA), 20.0),
        (BONUS, lambda journal: happened(journal, Kind.PURCHASED, category=DRINKS), 100.0),
        (BONUS, lambda journal: happened(journal, Kind.PURCHASED, category=Category("bread")), 20.0),
        (replace(BONUS, category=None), lambda journal: happened(journal, Kind.PURCHASED), 100.0),
    ],
)
def test_only_what_this_customer_used_in_time_stays_charged(
    journal: Journal, held: Held, happening: Callable[[Journal], None], left: float
) -> None:
    granted(journal, held)
    journal.write(lambda t: confirm(t, ContactId("letter"), NOW))
    happening(journal)
    assert spent(journal) == pytest.approx(left)


def test_what_comes_back_with_its_contact_does_not_come_back_twice(journal: Journal) -> None:
    granted(journal, COUPON)
    journal.write(lambda t: release(t, ContactId("letter"), NOW, "not sent"))
    assert spent(journal) == 0.0


def test_a_contact_given_back_after_all_gives_back_what_was_left_of_it(journal: Journal) -> None:
    granted(journal, COUPON)
    journal.write(lambda t: confirm(t, ContactId("letter"), NOW))
    assert spent(journal) == pytest.approx(20.0)
    journal.write(lambda t: release(t, ContactId("letter"), OVER, "not sent"))
    assert spent(journal) == pytest.approx(0.0)


def test_what_is_put_back_as_a_whole_does_not_come_back_twice(journal: Journal) -> None:
    granted(journal, COUPON, None)
    takes = [Take("budget:all", 100.0, 1_000.0, None, COUPON)]
    journal.write(lambda t: put_back(t.connection, takes))
    journal.write(lambda t: cancel_holds(t.connection, DecisionId("d1")))
    assert spent(journal) == 0.0
