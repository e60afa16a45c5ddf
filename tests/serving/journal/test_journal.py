from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import replace

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import func, select, text

from features.domain import ChannelName, CustomerId, EventId, Instant, Kind
from serving.consent import Consent
from serving.events.arrival import Arrival, Status
from serving.identity.identity import Identity, distinct, identity
from serving.journal import Cause, Journal, JournalError, JournalUnavailableError
from serving.journal.consents import consents_of, state_consent
from serving.journal.people import UnknownCustomerError
from serving.journal.schema import AUDIT, EVENTS, HEAD, LINKS, METADATA

NOW = Instant(1_700_000_000_000_000)
CAUSE = Cause(NOW, "test", "test")


def arrival(event_id: str, *names: tuple[str, str], **more: object) -> Arrival:
    return replace(
        Arrival(
            "test",
            EventId(event_id),
            distinct(identity(*name) for name in names),
            Kind.PURCHASED,
            ChannelName("store"),
            Instant(NOW - 1_000_000),
            value_minor=100,
        ),
        **more,
    )


def whose(journal: Journal, namespace: str, value: str) -> CustomerId:
    found = journal.find(identity(namespace, value))
    assert found is not None
    return found.customer_id


def owned(journal: Journal, customer_id: CustomerId) -> list[str]:
    return [event.event_id for gap in journal.gaps({customer_id: 0}) for event in gap.events]


def test_the_migrations_make_exactly_the_tables_that_the_code_declares(new_uri: str) -> None:
    with closing(Journal(new_uri)) as journal, journal.reading() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, METADATA) == []


def test_a_journal_of_a_newer_build_is_refused_with_both_versions(open_journal: Callable[[], Journal]) -> None:
    first = open_journal()
    first.write(lambda t: t.connection.execute(text("UPDATE alembic_version SET version_num = '9999'")))
    with pytest.raises(JournalError, match="9999"):
        open_journal().position()


def test_another_database_is_refused_by_name() -> None:
    with pytest.raises(JournalError, match="mysql"):
        Journal("mysql://localhost/kairos").position()


def test_a_journal_that_cannot_be_reached_says_so_without_its_password() -> None:
    with pytest.raises(JournalUnavailableError) as caught:
        Journal("postgresql://kairos:secret@127.0.0.1:1/kairos").position()
    assert "secret" not in str(caught.value)


def test_processes_that_open_an_empty_journal_together_migrate_it_once(new_uri: str) -> None:
    with ExitStack() as opened, ThreadPoolExecutor(4) as pool:
        journals = [opened.enter_context(closing(Journal(new_uri))) for _ in range(4)]
        assert list(pool.map(Journal.position, journals)) == [0, 0, 0, 0]


def test_an_event_is_taken_once_however_often_it_comes(journal: Journal) -> None:
    event = arrival("1", ("customer_id", "ann"))
    (first,) = journal.take_in([event], CAUSE).receipts
    again = journal.take_in([event, event, arrival("2", ("customer_id", "ann"))], CAUSE).receipts
    assert [first.status, *(each.status for each in again)] == ["accepted", "duplicate", "duplicate", "accepted"]
    assert again[0].position == first.position
    assert again[0].customer_id == "ann"
    assert owned(journal, CustomerId("ann")) == ["1", "2"]


def test_the_same_id_from_another_source_is_another_event(journal: Journal) -> None:
    event = arrival("1", ("customer_id", "ann"))
    receipts = journal.take_in([event, replace(event, source="till")], CAUSE).receipts
    assert [each.status for each in receipts] == [Status.ACCEPTED, Status.ACCEPTED]


def test_every_field_comes_back_as_it_was_taken_in(journal: Journal) -> None:
    event = arrival(
        "1", ("customer_id", "ann"), utc_offset_min=-300, offer_id="o", category="c", discount_minor=5, quantity=1.5
    )
    journal.take_in([replace(event, extra={"weather": ["☀", None, 1.5]})], CAUSE)
    ((found,),) = [gap.events for gap in journal.gaps({CustomerId("ann"): 0})]
    assert (found.source, found.kind, found.channel, found.occurred_at) == (
        "test",
        Kind.PURCHASED,
        "store",
        NOW - 1_000_000,
    )
    assert (found.received_at, found.utc_offset_min, found.offer_id, found.category) == (NOW, -300, "o", "c")
    assert (found.value_minor, found.discount_minor, found.quantity, found.decision_id) == (100, 5, 1.5, None)
    with journal.reading() as connection:
        assert connection.execute(select(EVENTS.c.extra)).scalar_one() == '{"weather": ["☀", null, 1.5]}'


def test_what_machines_did_and_statements_about_names_are_kept_and_not_counted(journal: Journal) -> None:
    journal.take_in([arrival("1", ("card", "1"), machine=True), arrival("2", ("card", "1"), kind=None)], CAUSE)
    assert owned(journal, whose(journal, "card", "1")) == []
    with journal.reading() as connection:
        assert connection.execute(select(func.count()).select_from(EVENTS)).scalar() == 2


def test_one_bad_write_does_not_undo_the_others_of_its_group(journal: Journal) -> None:
    journal.position()

    def bad(_: object) -> None:
        raise ValueError("bad")

    def write(number: int) -> str:
        if number % 5 == 0:
            with pytest.raises(ValueError, match="bad"):
                journal.write(bad)
            return "bad"
        return journal.take_in([arrival(str(number), ("customer_id", "ann"))], CAUSE).receipts[0].status

    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(write, range(40)))
    assert statuses.count("accepted") == 32
    assert len(owned(journal, CustomerId("ann"))) == 32


def test_positions_grow_in_the_order_in_which_they_become_visible(open_journal: Callable[[], Journal]) -> None:
    journals = [open_journal() for _ in range(3)]

    def write(number: int) -> tuple[int, int]:
        journal = journals[number % 3]
        (receipt,) = journal.take_in([arrival(str(number), ("customer_id", "ann"))], CAUSE).receipts
        assert receipt.position is not None
        return receipt.position, journal.position()

    with ThreadPoolExecutor(6) as pool:
        seen = list(pool.map(write, range(60)))
    assert len({position for position, _ in seen}) == 60
    assert all(visible >= position for position, visible in seen)
    with journals[0].reading() as connection:
        top = connection.execute(select(func.max(EVENTS.c.position))).scalar()
        assert connection.execute(select(HEAD.c.position)).scalar() == top


def test_names_in_one_event_belong_to_one_customer_from_then_on(journal: Journal) -> None:
    journal.take_in([arrival("1", ("anonymous", "a")), arrival("2", ("card", "c"))], CAUSE)
    assert whose(journal, "anonymous", "a") != whose(journal, "card", "c")
    (receipt,) = journal.take_in([arrival("3", ("anonymous", "a"), ("card", "c"))], CAUSE).receipts
    assert receipt.notes == ("joined with another customer",)
    assert whose(journal, "anonymous", "a") == whose(journal, "card", "c") == receipt.customer_id
    assert sorted(owned(journal, CustomerId(str(receipt.customer_id)))) == ["1", "2", "3"]
    with journal.reading() as connection:
        line = connection.execute(select(AUDIT)).one()
    assert (line.by, line.action, line.at_us, line.customer_id) == ("test", "joined", NOW, receipt.customer_id)


def test_a_customer_is_called_by_the_callers_number_as_soon_as_it_is_told(journal: Journal) -> None:
    journal.take_in([arrival("1", ("anonymous", "a"))], CAUSE)
    given = whose(journal, "anonymous", "a")
    assert given.startswith("k_")
    journal.take_in([arrival("2", ("anonymous", "a"), ("customer_id", "ann"))], CAUSE)
    assert whose(journal, "anonymous", "a") == "ann"
    assert whose(journal, "customer_id", given) == "ann"
    assert owned(journal, CustomerId("ann")) == ["1", "2"]
    assert owned(journal, given) == []


def test_a_shared_tablet_does_not_melt_a_family_into_one_person(journal: Journal) -> None:
    receipts = journal.take_in(
        [
            arrival("1", ("customer_id", "ann"), ("device", "tablet")),
            arrival("2", ("customer_id", "bob"), ("device", "tablet")),
            arrival("3", ("device", "tablet")),
        ],
        CAUSE,
    ).receipts
    assert [each.customer_id for each in receipts] == ["ann", "bob", "ann"]
    assert "customer_id" in receipts[1].notes[0]
    assert owned(journal, CustomerId("bob")) == ["2"]


def test_a_customer_cannot_collect_names_without_end(journal: Journal) -> None:
    for batch in range(25):
        events = [arrival(f"{batch}-{n}", ("customer_id", "ann"), ("device", f"{batch}-{n}")) for n in range(10)]
        receipts = journal.take_in(events, CAUSE).receipts
    assert {each.customer_id for each in receipts} == {"ann"}
    assert "left aside" in receipts[-1].notes[0]
    with journal.reading() as connection:
        assert connection.execute(select(func.count()).select_from(LINKS)).scalar_one() <= 21


def test_a_name_that_kairos_never_gave_is_refused(journal: Journal) -> None:
    (receipt,) = journal.take_in([arrival("1", ("customer_id", "k_" + "0" * 32))], CAUSE).receipts
    assert (receipt.status, receipt.code) == (Status.REFUSED, "unknown_customer")
    assert journal.take_in([arrival("1", ("customer_id", "ann"))], CAUSE).receipts[0].status is Status.ACCEPTED


def test_a_split_gives_each_side_the_events_of_its_own_names_and_holds(journal: Journal) -> None:
    journal.take_in([arrival("1", ("card", "hers")), arrival("2", ("card", "his"))], CAUSE)
    journal.take_in([arrival("3", ("card", "hers"), ("card", "his")), arrival("4", ("card", "his"))], CAUSE)
    joined = whose(journal, "card", "his")
    his = journal.split(joined, [identity("card", "his")], Cause(NOW, "desk", "two people"))
    assert owned(journal, his) == ["2", "4"]
    assert sorted(owned(journal, whose(journal, "card", "hers"))) == ["1", "3"]
    (receipt,) = journal.take_in([arrival("5", ("card", "hers"), ("card", "his"))], CAUSE).receipts
    assert "set apart" in receipt.notes[0]
    assert whose(journal, "card", "his") == his


def test_the_side_with_the_callers_number_keeps_it(journal: Journal) -> None:
    journal.take_in([arrival("1", ("customer_id", "ann"), ("card", "c"))], CAUSE)
    assert journal.split(CustomerId("ann"), [identity("customer_id", "ann")], CAUSE) == "ann"
    assert whose(journal, "customer_id", "ann") == "ann"
    assert whose(journal, "card", "c").startswith("k_")


@pytest.mark.parametrize("leaving", [("card", "unknown"), ("customer_id", "ann")])
def test_a_split_of_names_that_are_not_there_or_of_all_of_them_is_refused(
    journal: Journal, leaving: tuple[str, str]
) -> None:
    journal.take_in([arrival("1", ("customer_id", "ann"))], CAUSE)
    with pytest.raises(UnknownCustomerError):
        journal.split(CustomerId("ann"), [identity(*leaving)], CAUSE)


def test_a_join_keeps_the_more_restrictive_consent_of_both(journal: Journal) -> None:
    def consent(purpose: str, granted: bool) -> Consent:
        return Consent(purpose, granted, NOW, "form")

    journal.take_in([arrival("1", ("customer_id", "ann")), arrival("2", ("card", "c"))], CAUSE)
    card = whose(journal, "card", "c")

    def state(t: object) -> None:
        connection = t.connection  # type: ignore[attr-defined]
        for customer_id, purpose, granted in (
            ("ann", "email_marketing", True),
            (card, "email_marketing", False),
            (card, "sms_marketing", True),
            ("ann", "push_marketing", False),
            (card, "push_marketing", True),
        ):
            state_consent(connection, CustomerId(customer_id), consent(purpose, granted))

    journal.write(state)
    journal.take_in([arrival("3", ("customer_id", "ann"), ("card", "c"))], CAUSE)
    with journal.reading() as connection:
        held = {purpose: c.granted for (purpose, _), c in consents_of(connection, CustomerId("ann")).items()}
    assert held == {"email_marketing": False, "sms_marketing": True, "push_marketing": False}


def test_raw_addresses_are_kept_only_where_asked_for(journal_uri: str) -> None:
    event = Arrival("t", EventId("1"), (identity("email", "Ann@Example.org"),), Kind.VISITED, ChannelName("web"), NOW)
    for keep, expected in ((False, []), (True, ["bob@example.org"])):
        journal = Journal(journal_uri, keep_raw=keep)
        one = replace(
            event,
            event_id=EventId(str(keep)),
            identities=(identity("email", "bob@example.org"),) if keep else event.identities,
        )
        journal.take_in([one], CAUSE)
        with journal.reading() as connection:
            raw = connection.execute(text("SELECT raw FROM identities WHERE raw IS NOT NULL")).scalars().all()
        assert raw == expected
        journal.close()


def test_an_acknowledged_write_is_there_for_whoever_opens_the_journal_next(open_journal: Callable[[], Journal]) -> None:
    open_journal().take_in([arrival("1", ("customer_id", "ann"))], CAUSE)
    assert owned(open_journal(), CustomerId("ann")) == ["1"]


def test_equal_names_are_one_identity_whatever_way_they_are_written() -> None:
    assert identity("E-Mail", " ANN@example.ORG") == identity("email", "ann@example.org")
    assert identity("phone", "+49 171 1234567") == identity("TEL", "0049171-1234567")
    assert isinstance(identity("Card", "A"), Identity)
    assert identity("card", "A") != identity("card", "a")


def test_a_write_waits_no_longer_than_a_moment_for_one_that_never_comes(journal: Journal) -> None:
    journal.expect(lambda _: True)
    assert journal.write_soon(lambda _: "written").result(timeout=10) == "written"
