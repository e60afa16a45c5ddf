"""What a customer began is told as it would be of all events that there are."""

import random
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from shutil import copyfile

import pytest

from features.domain import DAY, Category, ChannelName, CustomerId, EventId, Instant, Kind, OfferId
from features.instant import parse_instant
from features.intent import CLOSING, MATTERS_US, OPENING, Intent, open_intents
from features.state import NOT_YET
from features.unfinished import Unfinished, unfinished
from serving.events.arrival import Arrival
from serving.identity.identity import identity
from serving.journal import Cause, Journal, openings
from serving.journal.dossier import by_names
from serving.journal.openings import begun, begun_by
from serving.projection import Projection
from serving.values import MemoryValues

AT = parse_instant("2026-01-10T12:00:00Z")
KINDS = sorted(MATTERS_US)
CUSTOMERS = 60


@pytest.fixture
def look_among(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[int], None]]:
    """Has fewer events looked at. How many they are stands in the statements, which are made once."""

    def change(most: int) -> None:
        monkeypatch.setattr(openings, "MOST", most)
        forget()

    def forget() -> None:
        for statements in (openings._openings, openings._closings):
            statements.cache_clear()

    yield change
    forget()


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


def signs(kinds: Iterable[Kind]) -> Unfinished | None:
    """Of a customer of whom nothing is known but the kinds of what may be open."""
    begun = tuple(kinds)
    return Unfinished(begun, tuple((kind, NOT_YET) for kind in CLOSING)) if begun else None


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
        told = begun(journal.look, CustomerId(customer), at, signs(kinds))
        assert told == whole(journal, customer, at, kinds)
        found += len(told)
    assert found > CUSTOMERS


def test_what_the_state_says_leaves_out_nothing_that_is_open(journal: Journal) -> None:
    projection, chance, told, looked = Projection(journal, MemoryValues(), _vocabulary), random.Random(7), 0, 0
    for number in range(CUSTOMERS):
        tell(journal, chance, f"c{number}", 12)
    for at in (AT, Instant(AT - 5 * DAY)):
        known = {
            each: unfinished(projection.state(each), at) for each in (CustomerId(f"c{n}") for n in range(CUSTOMERS))
        }
        asked = {each: signs for each, signs in known.items() if signs is not None}
        found = begun_by(journal.look, asked, at)
        assert {each: found.get(each, ()) for each in known} == {each: whole(journal, each, at) for each in known}
        told, looked = told + sum(map(bool, found.values())), looked + len(asked)
    assert CUSTOMERS / 2 < told <= looked < 2 * CUSTOMERS


def _vocabulary() -> frozenset[str]:
    return frozenset({"milk"})


def test_of_a_customer_who_did_too_much_the_latest_events_tell(
    journal: Journal, look_among: Callable[[int], None]
) -> None:
    tell(journal, random.Random(7), "ann", 40)
    look_among(4)
    latest = journal.recent_events(CustomerId("ann"), AT, MATTERS_US, 4)
    assert begun(journal.look, CustomerId("ann"), AT, signs(OPENING)) == open_intents(latest, AT)


@pytest.mark.parametrize("most", [openings.MOST, 40])
def test_of_several_customers_that_is_told_which_is_told_of_each(
    journal: Journal, look_among: Callable[[int], None], most: int
) -> None:
    look_among(most)
    chance, interest, found = random.Random(7), frozenset({Kind.CLICKED, Kind.VISITED, Kind.CARTED}), 0
    for number in range(CUSTOMERS):
        tell(journal, chance, f"c{number}", 12)
    for _ in range(CUSTOMERS):
        some = [CustomerId(f"c{each}") for each in chance.sample(range(CUSTOMERS + 5), chance.randint(1, 16))]
        begins = {each: signs(chance.choice((OPENING, interest, OPENING - interest, ()))) for each in some}
        told = begun_by(journal.look, {each: known for each, known in begins.items() if known is not None}, AT)
        assert {each: told.get(each, ()) for each in some} == {
            each: begun(journal.look, each, AT, known) for each, known in begins.items()
        }
        found += sum(map(len, told.values()))
    assert found > CUSTOMERS


@pytest.mark.parametrize("n", [1, 2, 16])
def test_no_table_is_gone_through_on_sqlite(tmp_path: Path, migrated_file: Path, n: int) -> None:
    copyfile(migrated_file, tmp_path / "journal.db")
    with Journal(f"sqlite:///{tmp_path / 'journal.db'}").reading() as connection:
        raw = connection.connection.driver_connection
        assert raw is not None
        for statement in (openings._openings(n), openings._closings(n), by_names(n)):
            text = statement._written(connection.dialect)
            plan = raw.execute(f"EXPLAIN QUERY PLAN {text.sql}", [0] * text.sql.count("?")).fetchall()
            known = ("SCAN named", "SCAN asked", f"SCAN {n} CONSTANT ROWS", "SCAN CONSTANT ROW")
            assert not [step[3] for step in plan if step[3].startswith("SCAN") and step[3] not in known], plan


def test_nothing_is_asked_where_nothing_can_be_open(journal: Journal) -> None:
    assert begun(journal.look, CustomerId("ann"), AT, None) == ()
    assert begun(journal.look, CustomerId("nobody"), AT, signs(OPENING)) == ()
