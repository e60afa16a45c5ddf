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
HEARD = Cause(AT, "test", "event")


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


def state(journal: Journal, granted: bool, channel: str = "", customer: str = "ann") -> None:
    def change(transaction: Transaction) -> None:
        said = Consent("marketing", granted, AT, "test", channel, None if channel else "form")
        state_consent(transaction.connection, CustomerId(customer), said)
        book(transaction.connection, [CustomerId(customer)], transaction.next_position())

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
    assert journal.dossier(CustomerId("ann"), SINCE) == nobody_yet(CustomerId("ann"), 0)


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


def test_of_several_names_at_once_that_is_told_which_is_told_of_each(journal: Journal) -> None:
    names = [identity("device", f"d{number}") for number in range(11)]
    for number, name in enumerate(names[:9]):
        own = (name, ANN) if number in (2, 5) else (name,)  # so that these two are one customer's
        for ago in range(1, number + 1):
            spoken, sent = Spoken("marketing", 0, counts=True), Instant(AT - ago * DAY)
            number_of = EventId(f"{number}-{ago}")
            event = Arrival("test", number_of, own, Kind.SENT, ChannelName("email"), sent, spoken=spoken)
            journal.take_in([event], HEARD)
    for number in (3, 2, 3):
        who = journal.find(names[number])
        assert who is not None
        state(journal, number == 3, "email", who.customer_id)
    for n in range(1, 12):
        some = names[:n]
        alone = {name.value: journal.known_as(name, SINCE) for name in some}
        found = journal.known_by("device", [name.value for name in some], SINCE)
        assert found == {name: told for name, told in alone.items() if told is not None}
    assert len(found) == 8
    assert found["d2"] == found["d5"]
    assert [len(found[f"d{number}"].contacts) for number in (1, 2, 8)] == [1, 7, 8]
    assert [bool(found[f"d{number}"].consents) for number in (1, 2, 3)] == [False, True, True]
