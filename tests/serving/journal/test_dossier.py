"""What a decision reads of a customer at once is what is told of each thing apart."""

from collections.abc import Callable

import pytest

from features.domain import DAY, ChannelName, CustomerId, EventId, Instant, Kind
from features.instant import parse_instant
from serving.consent import Consent
from serving.events.arrival import Arrival, Spoken
from serving.identity.identity import identity
from serving.journal import Cause, Journal
from serving.journal.consents import state_consent
from serving.journal.dossier import Dossier, nobody_yet
from serving.journal.names import book
from serving.journal.retention import retire
from serving.journal.transaction import Transaction

AT = parse_instant("2026-01-10T12:00:00Z")
ANN = identity("customer_id", "ann")
SINCE = Instant(AT - 62 * DAY)


def tell(journal: Journal, number: int, kind: Kind, at: int) -> None:
    spoken = Spoken("marketing", 0, counts=True) if kind is Kind.SENT else None
    event = Arrival("test", EventId(f"e{number}"), (ANN,), kind, ChannelName("email"), Instant(at), spoken=spoken)
    journal.take_in([event], Cause(AT, "test", "event"))


def dossier(journal: Journal, since: Instant = SINCE) -> Dossier:
    """The same by name and by number, and what is told of each thing apart."""
    found, who = journal.known_as(ANN, since), journal.find(ANN)
    assert found is not None
    assert found.who == who
    assert found == journal.dossier(found.who.customer_id, since)
    ledger = journal.ledger(found.who.customer_id, AT, (), since)
    assert (found.contacts, found.who.revision) == (ledger.contacts, ledger.revision)
    assert found.consents == journal.consents(found.who.customer_id)
    return found


def state(journal: Journal, granted: bool, channel: str = "") -> None:
    def change(transaction: Transaction) -> None:
        said = Consent("marketing", granted, AT, "test", channel, None if channel else "form")
        state_consent(transaction.connection, CustomerId("ann"), said)
        book(transaction.connection, [CustomerId("ann")], transaction.next_position())

    journal.write(change)


def test_what_another_process_writes_is_seen(open_journal: Callable[[], Journal]) -> None:
    ours, theirs = open_journal(), open_journal()
    for number, ago in enumerate((1, 3, 2)):
        tell(theirs, number, Kind.SENT, AT - ago * DAY)
        assert len(dossier(ours).contacts) == number + 1
    assert [AT - each.moment for each in dossier(ours).contacts] == [3 * DAY, 2 * DAY, DAY]


def test_contacts_before_the_instant_are_left_out(journal: Journal) -> None:
    for number, ago in enumerate((5, 2)):
        tell(journal, number, Kind.SENT, AT - ago * DAY)
    assert [len(dossier(journal, Instant(AT - days * DAY)).contacts) for days in (6, 5, 4, 1)] == [2, 2, 1, 0]


def test_the_latest_statement_of_each_topic_holds(journal: Journal) -> None:
    tell(journal, 1, Kind.CLICKED, AT)
    assert dossier(journal).consents == {}
    state(journal, True)
    state(journal, True, "email")
    state(journal, False)
    assert {topic: each.granted for topic, each in dossier(journal).consents.items()} == {
        ("marketing", ""): False,
        ("marketing", "email"): True,
    }


def test_of_a_stranger_nothing_is_told(journal: Journal) -> None:
    assert journal.known_as(ANN, SINCE) is None
    assert journal.dossier(CustomerId("ann"), SINCE) == nobody_yet(CustomerId("ann"))


@pytest.mark.parametrize("erased", [True, False])
def test_what_was_deleted_is_not_told(journal: Journal, erased: bool) -> None:
    tell(journal, 1, Kind.SENT, AT - DAY)
    state(journal, True)
    assert dossier(journal).contacts
    if erased:
        journal.erase(CustomerId("ann"), Cause(AT, "test", "asked for"))
        assert journal.known_as(ANN, SINCE) is None
        assert not journal.dossier(CustomerId("ann"), SINCE).consents
    else:
        journal.write(lambda t: retire(t, Instant(AT + DAY), Cause(AT, "test", "too old")))
    assert journal.dossier(CustomerId("ann"), SINCE).contacts == ()
