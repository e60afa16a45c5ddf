from collections.abc import Callable

from features.domain import ChannelName, CustomerId, DecisionId, EventId, Instant, Kind
from serving.events.arrival import Arrival
from serving.identity.identity import distinct, identity
from serving.journal import Cause, Journal
from serving.journal.retention import retire
from serving.journal.sends import Sending, decided_for, note_send

AT = Instant(1_700_000_000_000_000)
CAUSE = Cause(AT, "test", "asked for")
AUTUMN = Sending("autumn", "1", ChannelName("email"))


def note(journal: Journal, customer_id: str, decision_id: str, sending: Sending = AUTUMN) -> None:
    journal.write(lambda t: note_send(t, CustomerId(customer_id), sending, DecisionId(decision_id), AT))


def decided(journal: Journal, customer_id: str, sending: Sending = AUTUMN) -> str | None:
    with journal.reading() as connection:
        return decided_for(connection, CustomerId(customer_id), sending)


def join(journal: Journal, *names: tuple[str, str]) -> None:
    who = distinct(identity(*name) for name in names)
    journal.take_in([Arrival("till", EventId(repr(names)), who, Kind.VISITED, ChannelName("web"), AT)], CAUSE)


def test_a_send_is_remembered_by_customer_campaign_run_and_channel(journal: Journal) -> None:
    note(journal, "ann", "d-1")
    assert decided(journal, "ann") == "d-1"
    assert decided(journal, "bob") is None
    for other in (Sending("spring", "1", AUTUMN.channel), Sending("autumn", "2", AUTUMN.channel)):
        assert decided(journal, "ann", other) is None
    assert decided(journal, "ann", Sending("autumn", "1", ChannelName("push"))) is None


def test_a_send_follows_the_customer_who_is_joined(journal: Journal) -> None:
    join(journal, ("anonymous", "cookie"))
    was = journal.find(identity("anonymous", "cookie"))
    assert was is not None
    note(journal, was.customer_id, "d-1")
    join(journal, ("customer_id", "ann"), ("anonymous", "cookie"))
    assert decided(journal, "ann") == "d-1"


def test_erasure_and_retention_forget_sends(open_journal: Callable[[], Journal]) -> None:
    journal = open_journal()
    note(journal, "ann", "d-1")
    note(journal, "bob", "d-2")
    journal.erase(CustomerId("ann"), CAUSE)
    assert decided(journal, "ann") is None
    assert decided(journal, "bob") == "d-2"
    journal.write(lambda t: retire(t, Instant(AT + 1), CAUSE))
    assert decided(journal, "bob") is None
