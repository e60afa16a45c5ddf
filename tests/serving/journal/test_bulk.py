import random
from collections.abc import Callable

from features.domain import DAY, Category, ChannelName, CustomerId, Event, EventId, Instant, Kind, OfferId
from features.fold import fold
from features.state import close, empty
from features.stored import state_from_row, state_to_row
from serving.events.arrival import Arrival, Spoken, Status
from serving.identity.identity import identity
from serving.journal import Cause, Journal
from serving.journal.bulk import chunks, load_events, load_identities, load_rows
from serving.journal.history import withdraw
from serving.journal.past_contacts import Reckoning
from serving.ledger.contact import Standing
from serving.projection import Projection
from serving.values import MemoryValues

NOW = Instant(1_700_000_000_000_000)
CAUSE = Cause(NOW, "history", "load")


def history(count: int) -> list[Event]:
    chance = random.Random(4)
    found = []
    for number in range(count):
        at = Instant(NOW - chance.randrange(300 * DAY))
        who = CustomerId(f"c{number % 7}")
        late = Instant(at + chance.choice([0, DAY]))
        found.append(
            Event(
                "old",
                EventId(str(number)),
                who,
                chance.choice(list(Kind)),
                ChannelName("store"),
                at,
                late,
                category=Category("wine"),
            )
        )
    return found


def load(journal: Journal, events: list[Event], size: int) -> tuple[int, int]:
    done = [journal.write(lambda t, c=chunk: load_events(t, c, CAUSE)) for chunk in chunks(events, size)]
    return sum(each.events for each in done), sum(each.duplicates for each in done)


def test_loaded_history_and_live_events_are_one(open_journal: Callable[[], Journal]) -> None:
    journal, events = open_journal(), history(400)
    assert load(journal, events, 150) == (400, 0)
    assert load(journal, events, 90) == (0, 400)
    assert journal.write(lambda t: load_identities(t, [(CustomerId("c0"), identity("card", "x"))], CAUSE)) == 1
    projection = Projection(journal, MemoryValues())
    arrival = Arrival("web", EventId("live"), (identity("card", "x"),), Kind.CARTED, ChannelName("web"), NOW)
    again = Arrival("old", EventId("0"), (identity("customer_id", "c0"),), Kind.CARTED, ChannelName("web"), NOW)
    taken = journal.take_in([arrival, again], CAUSE)
    assert [(each.status, each.customer_id) for each in taken.receipts] == [
        (Status.ACCEPTED, "c0"),
        (Status.DUPLICATE, "c0"),
    ]
    own = [event for event in events if event.customer_id == "c0"]
    live = Event("web", EventId("live"), CustomerId("c0"), Kind.CARTED, ChannelName("web"), NOW, NOW)
    expected = state_from_row(state_to_row(fold(empty(), [*own, live])))
    assert close(projection.state(CustomerId("c0")), expected)


def test_messages_of_a_loaded_history_are_contacts_once_and_go_with_it(journal: Journal) -> None:
    def told(number: int, days_ago: float, channel: str, offer: str) -> tuple[object, ...]:
        at = NOW - round(days_ago * DAY)
        return ("old", str(number), "ann", "sent", channel, at, at, 0, offer, "wine", None, None, None, None)

    rows = [
        told(1, 1, "email", "tea"),
        told(2, 1, "email", "rum"),  # the same message
        told(3, 3, "email", "tea"),
        told(4, 2, "poster", "tea"),
        told(5, 100, "email", "tea"),
    ]

    def spoken(channel: ChannelName, offer_id: OfferId | None) -> Spoken | None:
        return Spoken("marketing", 0, counts=True) if channel == "email" else None

    reckoning = Reckoning(Instant(NOW - 62 * DAY), spoken)
    for _ in range(2):
        journal.write(lambda t: load_rows(t, rows, CAUSE, reckoning))
        contacts = journal.ledger(CustomerId("ann"), NOW).contacts
        assert [(each.moment, each.offers, each.standing) for each in contacts] == [
            (NOW - 3 * DAY, ("tea",), Standing.SENT),
            (NOW - DAY, ("tea", "rum"), Standing.SENT),
        ]
    journal.write(lambda t: withdraw(t, [("old", "3")]))
    assert [each.moment for each in journal.ledger(CustomerId("ann"), NOW).contacts] == [NOW - DAY]
