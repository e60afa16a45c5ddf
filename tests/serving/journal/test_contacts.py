"""Contacts in the journal: granted on what the decision saw, and on nothing else; on both databases."""

from collections.abc import Callable

from features.domain import DAY, HOUR, Category, ChannelName, CustomerId, DecisionId, EventId, Instant, Kind, OfferId
from features.instant import parse_instant
from serving.events.arrival import Arrival
from serving.identity.identity import Identity, distinct, identity
from serving.journal import Cause, Journal
from serving.journal.contacts import read_ledger, read_ledgers
from serving.journal.counters import taken
from serving.journal.reserving import reserve
from serving.journal.standings import confirm, release, sweep
from serving.ledger.contact import Contact, ContactId, Ledger, Standing
from serving.ledger.reservation import Exhausted, Reserved, Stale, Take

NOW = parse_instant("2024-03-01T12:00:00Z")
ANN, BOB = CustomerId("ann"), CustomerId("bob")


def wanted(name: str, moment: int = NOW, **more: object) -> Contact:
    given: dict[str, object] = {
        "offers": (OfferId("tea"), OfferId("rum")),
        "categories": (Category("drinks"),),
        "purposes": ("marketing",),
        "priority": 5,
        "counts": True,
        "standing": Standing.RESERVED,
        "expires_at": Instant(moment + HOUR),
        "decision_id": DecisionId(f"of-{name}"),
        **more,
    }
    return Contact(ContactId(name), ChannelName("email"), Instant(moment), **given)  # type: ignore[arg-type]


def ledger(journal: Journal, customer_id: CustomerId = ANN, at: int = NOW, keys: tuple[str, ...] = ()) -> Ledger:
    found = journal.ledger(customer_id, Instant(at), keys)
    with journal.reading() as connection:
        assert found == read_ledger(connection, customer_id, Instant(at), keys)
    return found


def grant(
    journal: Journal, *contacts: Contact, customer_id: CustomerId = ANN, at: int = NOW, takes: tuple[Take, ...] = ()
) -> Reserved | Stale | Exhausted:
    revision = ledger(journal, customer_id, at).revision
    return journal.write(lambda t: reserve(t, customer_id, revision, contacts, takes, Instant(at)))


def happened(journal: Journal, *names: tuple[str, str], at: int = NOW, kind: Kind | None = Kind.VISITED) -> None:
    number = journal.position()
    arrival = Arrival(
        "test", EventId(f"e{number}"), distinct(identity(*n) for n in names), kind, ChannelName("web"), NOW
    )
    journal.take_in([arrival], Cause(Instant(at), "test", "event"))


def test_a_granted_contact_is_read_back_as_it_was_granted(journal: Journal) -> None:
    first, second = wanted("first"), wanted("second", NOW + DAY, counts=False, decision_id=None)
    assert isinstance(grant(journal, first, second), Reserved)
    assert ledger(journal).contacts == (first, second)
    assert ledger(journal, at=NOW + 63 * DAY).contacts == (second,)
    assert ledger(journal, BOB) == Ledger()


def test_the_revision_changes_with_every_contact_event_name_and_consent(journal: Journal) -> None:
    seen = [ledger(journal).revision]
    assert isinstance(grant(journal, wanted("one")), Reserved)
    seen.append(ledger(journal).revision)
    journal.write(lambda t: confirm(t, ContactId("one"), NOW))
    seen.append(ledger(journal).revision)
    happened(journal, ("customer_id", ANN))
    seen.append(ledger(journal).revision)
    happened(journal, ("card", "1"))
    happened(journal, ("customer_id", ANN), ("card", "1"), kind=None)
    seen.append(ledger(journal).revision)
    journal.write(lambda t: release(t, ContactId("one"), NOW, "not sent"))
    seen.append(ledger(journal).revision)
    assert seen == sorted(set(seen))


def test_nothing_is_granted_on_what_has_changed_meanwhile(journal: Journal) -> None:
    before = ledger(journal).revision
    assert isinstance(grant(journal, wanted("one")), Reserved)
    stale = journal.write(lambda t: reserve(t, ANN, before, [wanted("two")], [], NOW))
    assert stale == Stale(ANN)
    assert [each.contact_id for each in ledger(journal).contacts] == ["one"]


def test_what_is_asked_for_under_a_name_that_now_is_another_customers_says_whose(journal: Journal) -> None:
    happened(journal, ("anonymous", "a1"))
    nameless = journal.find(Identity("anonymous", "a1"))
    assert nameless is not None
    revision = ledger(journal, nameless.customer_id).revision
    happened(journal, ("anonymous", "a1"), ("customer_id", ANN), kind=None)
    asked = journal.write(lambda t: reserve(t, nameless.customer_id, revision, [wanted("one")], [], NOW))
    assert asked == Stale(ANN)


def test_contacts_follow_their_names_through_joins_and_splits(journal: Journal) -> None:
    happened(journal, ("anonymous", "a1"))
    nameless = journal.find(Identity("anonymous", "a1"))
    assert nameless is not None
    grant(journal, wanted("to the browser"), customer_id=nameless.customer_id)
    grant(journal, wanted("to ann"))
    happened(journal, ("anonymous", "a1"), ("customer_id", ANN), kind=None)
    assert {each.contact_id for each in ledger(journal).contacts} == {"to the browser", "to ann"}
    assert ledger(journal, nameless.customer_id).contacts == ()
    other = journal.split(ANN, [Identity("anonymous", "a1")], Cause(NOW, "test", "not hers"))
    with journal.reading() as connection:
        both = read_ledgers(connection, [ANN, other], NOW)
    assert both == {ANN: ledger(journal), other: ledger(journal, other)}
    assert sum(len(each.contacts) for each in both.values()) == 2


def test_a_reservation_can_be_confirmed_until_it_expires_and_not_after(journal: Journal) -> None:
    grant(journal, wanted("kept"), wanted("late"))
    kept, late = (
        journal.write(lambda t, which=which, at=at: confirm(t, which, at))
        for which, at in ((ContactId("kept"), NOW + HOUR - 1), (ContactId("late"), NOW + HOUR))
    )
    assert kept is not None
    assert late is not None
    assert (kept.contact.standing, late.contact.standing) == (Standing.CONFIRMED, Standing.EXPIRED)
    again = journal.write(lambda t: confirm(t, ContactId("kept"), Instant(NOW + DAY)))
    assert again == kept
    assert journal.write(lambda t: confirm(t, ContactId("unknown"), NOW)) is None


def test_what_has_expired_for_one_decision_cannot_be_confirmed_by_a_slower_clock(journal: Journal) -> None:
    grant(journal, wanted("old"))
    assert isinstance(grant(journal, wanted("new", NOW + HOUR), at=NOW + HOUR), Reserved)
    told = journal.write(lambda t: confirm(t, ContactId("old"), NOW))
    assert told is not None
    assert told.contact.standing is Standing.EXPIRED


def test_a_release_gives_the_slot_back_and_holds(journal: Journal) -> None:
    grant(journal, wanted("one"))
    journal.write(lambda t: confirm(t, ContactId("one"), NOW))
    told = journal.write(lambda t: release(t, ContactId("one"), NOW, "not sent"))
    assert told is not None
    assert told.contact.standing is Standing.RELEASED
    assert ledger(journal).contacts == ()
    again = journal.write(lambda t: confirm(t, ContactId("one"), NOW))
    assert again == told


def test_shared_stock_is_given_to_as_many_as_there_is_and_comes_back(journal: Journal) -> None:
    def ask(name: str, at: int = NOW) -> Reserved | Stale | Exhausted:
        take = Take("stock:tea", 1, 2, ContactId(name))
        return grant(journal, wanted(name, at), customer_id=CustomerId(f"of {name}"), at=at, takes=(take,))

    assert isinstance(ask("one"), Reserved)
    assert isinstance(ask("two"), Reserved)
    assert ask("three") == Exhausted(frozenset({"stock:tea"}))
    assert ledger(journal, CustomerId("of three")).contacts == ()
    journal.write(lambda t: release(t, ContactId("one"), NOW, "not sent"))
    assert isinstance(ask("three"), Reserved)
    journal.write(lambda t: confirm(t, ContactId("three"), NOW))
    assert ask("four") == Exhausted(frozenset({"stock:tea"}))
    assert isinstance(ask("five", NOW + HOUR), Reserved)  # as the second one was never confirmed
    assert ledger(journal, keys=("stock:tea", "stock:rum")).taken == {"stock:tea": 2}


def test_what_is_taken_without_a_contact_is_gone_for_good(journal: Journal) -> None:
    assert grant(journal, takes=(Take("budget:spring", 60.5, 100), Take("budget:spring", 39.5, 100))) == Reserved(0)
    assert isinstance(grant(journal, takes=(Take("budget:spring", 0.5, 100),)), Exhausted)
    with journal.reading() as connection:
        assert taken(connection, ["budget:spring"]) == {"budget:spring": 100}


def test_a_displaced_reservation_cannot_be_confirmed(journal: Journal) -> None:
    grant(journal, wanted("lesser"))
    revision = ledger(journal).revision
    asked = [wanted("greater", priority=90)]
    journal.write(lambda t: reserve(t, ANN, revision, asked, [], NOW, displaced=[ContactId("lesser")]))
    told = journal.write(lambda t: confirm(t, ContactId("lesser"), NOW))
    assert told is not None
    assert told.contact.standing is Standing.DISPLACED
    assert ledger(journal).contacts == tuple(asked)


def test_a_sweep_lets_everything_expire_that_is_due_and_nothing_else(journal: Journal) -> None:
    for number in range(5):
        grant(journal, wanted(f"{number}", NOW + number * HOUR), customer_id=CustomerId(f"c{number}"))
    journal.write(lambda t: confirm(t, ContactId("0"), NOW))
    assert journal.write(lambda t: sweep(t, Instant(NOW + 3 * HOUR))) == 2
    assert journal.write(lambda t: sweep(t, Instant(NOW + 3 * HOUR))) == 0
    left = [ledger(journal, CustomerId(f"c{number}")).contacts for number in range(5)]
    assert [len(each) for each in left] == [1, 0, 0, 1, 1]


def test_of_two_that_decided_on_the_same_ledger_one_is_granted(open_journal: Callable[[], Journal]) -> None:
    journals = [open_journal() for _ in range(2)]
    revision = ledger(journals[0]).revision
    told = [
        each.write(lambda t, n=n: reserve(t, ANN, revision, [wanted(f"{n}")], [], NOW))
        for n, each in enumerate(journals)
    ]
    assert sorted(type(each).__name__ for each in told) == ["Reserved", "Stale"]
