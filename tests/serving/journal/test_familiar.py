"""What is kept of a customer is what would be read anew, whichever process changes it."""

from collections.abc import Callable

import pytest

from features.domain import DAY, HOUR, ChannelName, CustomerId, EventId, Instant, Kind
from features.instant import parse_instant
from serving.consent import Consent
from serving.events.arrival import Arrival, Spoken
from serving.identity.identity import identity
from serving.journal import Cause, Journal
from serving.journal.consents import state_consent
from serving.journal.familiar import Familiar
from serving.journal.names import book
from serving.journal.past import Standing
from serving.journal.retention import retire
from serving.journal.transaction import Transaction

AT = parse_instant("2026-01-10T12:00:00Z")
ANN = identity("customer_id", "ann")
WITHIN = {Kind.SENT: 3 * DAY, Kind.CLICKED: 2 * HOUR}


def tell(journal: Journal, number: int, kind: Kind, at: int) -> None:
    spoken = Spoken("marketing", 0, counts=True) if kind is Kind.SENT else None
    event = Arrival("test", EventId(f"e{number}"), (ANN,), kind, ChannelName("email"), Instant(at), spoken=spoken)
    journal.take_in([event], Cause(AT, "test", "event"))


def standing(journal: Journal) -> Standing:
    found = journal.find(ANN)
    assert found is not None
    assert found == journal.standing(found.customer_id)
    return found


def told(familiar: Familiar, journal: Journal, at: Instant) -> list[EventId]:
    """The events that are kept, which are those that are read anew."""
    who = standing(journal)
    found = familiar.recent_events(who, at, WITHIN, 100)
    assert list(found) == journal.recent_events(who.customer_id, at, WITHIN, 100)
    return [each.event_id for each in found]


def test_events_and_contacts_of_another_process_are_seen(open_journal: Callable[[], Journal]) -> None:
    ours, theirs = open_journal(), open_journal()
    familiar = Familiar(ours)
    tell(theirs, 1, Kind.SENT, AT - DAY)
    assert told(familiar, ours, AT) == ["e1"]
    tell(theirs, 2, Kind.CLICKED, AT - HOUR)
    tell(theirs, 3, Kind.SENT, AT - 2 * HOUR)
    assert told(familiar, ours, AT) == ["e3", "e2", "e1"]
    assert len(familiar.ledger(standing(ours), AT, (), Instant(AT - 62 * DAY)).contacts) == 2


def test_what_is_kept_grows_old(journal: Journal) -> None:
    familiar = Familiar(journal)
    for number, ago in enumerate((5 * DAY, 2 * DAY, HOUR)):
        tell(journal, number, Kind.SENT, AT - ago)
    tell(journal, 9, Kind.CLICKED, AT - HOUR)
    for at in (AT, AT + HOUR + 1, AT + 2 * DAY, AT - 3 * DAY, AT):
        told(familiar, journal, Instant(at))
        for first in (at - 62 * DAY, at - DAY, at - 3 * DAY):
            asked = Instant(at), (), Instant(first)
            assert familiar.ledger(standing(journal), *asked) == journal.ledger(CustomerId("ann"), *asked)


def test_a_withdrawn_consent_is_seen(journal: Journal) -> None:
    familiar = Familiar(journal)
    tell(journal, 1, Kind.CLICKED, AT)
    assert familiar.consents(standing(journal)) == {}

    def withdraw(transaction: Transaction) -> None:
        state_consent(transaction.connection, CustomerId("ann"), Consent("marketing", False, AT, "test"))
        book(transaction.connection, [CustomerId("ann")], transaction.next_position())

    journal.write(withdraw)
    assert [each.granted for each in familiar.consents(standing(journal)).values()] == [False]


@pytest.mark.parametrize("erased", [True, False])
def test_what_was_deleted_is_not_told(journal: Journal, erased: bool) -> None:
    familiar = Familiar(journal)
    tell(journal, 1, Kind.SENT, AT - DAY)
    told(familiar, journal, AT)
    familiar.ledger(standing(journal), AT, (), Instant(AT - 62 * DAY))
    if erased:
        journal.erase(CustomerId("ann"), Cause(AT, "test", "asked for"))
    else:
        journal.write(lambda t: retire(t, Instant(AT + DAY), Cause(AT, "test", "too old")))
    who = journal.standing(CustomerId("ann"))
    assert familiar.recent_events(who, AT, WITHIN, 100) == ()
    assert familiar.ledger(who, AT, (), Instant(AT - 62 * DAY)).contacts == ()
