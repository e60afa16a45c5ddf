"""What a customer began is told as it would be of all events that there are."""

import random

import pytest

from features.domain import DAY, Category, ChannelName, CustomerId, EventId, Instant, Kind, OfferId
from features.instant import parse_instant
from features.intent import MATTERS_US, OPENING, Intent, open_intents
from serving.events.arrival import Arrival
from serving.identity.identity import identity
from serving.journal import Cause, Journal, openings
from serving.journal.openings import begun

AT = parse_instant("2026-01-10T12:00:00Z")
KINDS = sorted(MATTERS_US)
CUSTOMERS = 60


def tell(journal: Journal, chance: random.Random, customer: str, most: int) -> None:
    """Events of some customer, some of them of the future, some on a card."""
    own, card = identity("customer_id", customer), identity("card", f"of{customer}")
    told = [
        Arrival(
            "test",
            EventId(f"{customer}-{number}"),
            (own, card) if number == 0 else chance.choice(((own,), (card,))),
            chance.choice(KINDS),
            ChannelName("app"),
            Instant(AT - round(chance.choice((1, 12, 130)) * chance.uniform(-0.1, 1) * DAY)),
            offer_id=chance.choice((None, OfferId("o1"), OfferId("o2"))),
            category=chance.choice((None, Category("milk"), Category("tea"))),
            machine=chance.random() < 0.1,
        )
        for number in range(chance.randint(1, most))
    ]
    journal.take_in(told, Cause(Instant(AT - chance.choice((0, DAY))), "test", "events"))


def whole(journal: Journal, customer: str, at: Instant, kinds: frozenset[Kind] = OPENING) -> tuple[Intent, ...]:
    everything = journal.recent_events(CustomerId(customer), at, dict.fromkeys(KINDS, 300 * DAY), 10_000)
    return open_intents([event for event in everything if event.kind in kinds or event.kind not in OPENING], at)


def test_open_topics_are_those_of_the_whole_history(journal: Journal) -> None:
    chance, found = random.Random(7), 0
    for number in range(CUSTOMERS):
        tell(journal, chance, f"c{number}", 12)
    for number in range(CUSTOMERS):
        customer, at = f"c{number}", Instant(AT - chance.choice((0, 0, 5 * DAY)))
        kinds = chance.choice((OPENING, frozenset({Kind.CLICKED, Kind.VISITED, Kind.CARTED})))
        told = begun(journal.look, CustomerId(customer), at, kinds)
        assert told == whole(journal, customer, at, kinds)
        found += len(told)
    assert found > CUSTOMERS


def test_of_a_customer_who_did_too_much_the_latest_events_tell(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    tell(journal, random.Random(7), "ann", 40)
    monkeypatch.setattr(openings, "MOST", 4)
    latest = journal.recent_events(CustomerId("ann"), AT, MATTERS_US, 4)
    assert begun(journal.look, CustomerId("ann"), AT, OPENING) == open_intents(latest, AT)


def test_nothing_is_asked_where_nothing_can_be_open(journal: Journal) -> None:
    assert begun(journal.look, CustomerId("ann"), AT, frozenset()) == ()
    assert begun(journal.look, CustomerId("nobody"), AT, OPENING) == ()
