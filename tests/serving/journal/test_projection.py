"""The law of the live features, on both databases: what is stored depends on what happened, not on how it was told."""

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from secrets import token_bytes

import pytest

from features.codec import Packed, pack, precedence
from features.domain import DAY, ChannelName, CustomerId, Event, EventId, Instant, Kind
from features.fold import fold
from features.state import State, close, empty
from features.stored import ACTIVITY, state_from_row, state_to_row
from serving.events.arrival import Arrival
from serving.identity.identity import distinct, identity
from serving.journal import Cause, Journal
from serving.packed_file import PROJECT
from serving.projection import Projection
from serving.redis_values import RedisValues
from serving.values import MemoryValues, SqliteValues, Values

NOW = Instant(1_700_000_000_000_000)
CAUSE = Cause(NOW, "test", "test")
NAMES = [("customer_id", "ann"), ("card", "a1"), ("anonymous", "a2"), ("customer_id", "bob"), ("card", "b1")]
OF = {"ann": (0, 1, 2), "bob": (3, 4)}


def log(seed: int, count: int = 60) -> list[Arrival]:
    """What two people did in random order, under names of their own, one or two at a time."""
    chance = random.Random(seed)
    found = []
    for number in range(count):
        own = OF[chance.choice(["ann", "bob"])]
        names = [NAMES[each] for each in chance.sample(own, chance.choice([1, 1, 1, 2]))]
        found.append(
            Arrival(
                source=chance.choice(["till", "web"]),
                event_id=EventId(str(number)),
                identities=distinct(identity(*name) for name in names),
                kind=chance.choice(list(Kind)),
                channel=ChannelName(chance.choice(["store", "email", "web"])),
                occurred_at=Instant(NOW - chance.randrange(0, 300 * DAY)),
                utc_offset_min=chance.choice([0, -300]),
                category=chance.choice([None, "cheese", "wine"]),
                value_minor=chance.choice([None, 100, 12_345]),
            )
        )
    # In the end it is known who is who, whatever came before.
    for owner, own in OF.items():
        for each in own:
            names = [NAMES[own[0]], NAMES[each]]
            found.append(
                Arrival(
                    "crm", EventId(f"{owner}{each}"), distinct(identity(*n) for n in names), None, ChannelName(""), NOW
                )
            )
    return found


def stored(state: State) -> State:
    """As it comes back from where it is kept."""
    return state_from_row(state_to_row(state))


def expected(arrivals: list[Arrival], owner: str) -> State:
    """Straight from the definition."""
    own = {identity(*NAMES[each]) for each in OF[owner]}
    events = [
        Event(
            a.source,
            a.event_id,
            CustomerId(owner),
            a.kind,
            a.channel,
            a.occurred_at,
            NOW,
            a.utc_offset_min,
            a.offer_id,
            a.category,
            a.value_minor,
        )
        for a in arrivals
        if a.kind is not None and a.identities[0] in own
    ]
    return stored(fold(empty(), events))


def batches(arrivals: list[Arrival], seed: int) -> list[list[Arrival]]:
    """All of them in another order, some of them twice, in batches of random sizes."""
    chance = random.Random(seed)
    told = [*arrivals, *chance.sample(arrivals, len(arrivals) // 3)]
    chance.shuffle(told)
    found = []
    while told:
        size = chance.randint(1, 12)
        found.append(told[:size])
        told = told[size:]
    return found


def accept(projection: Projection, batch: list[Arrival]) -> None:
    taken = projection.journal.take_in(batch, CAUSE)
    projection.settle(taken.touched, taken.news)


@pytest.mark.parametrize("seed", range(3))
def test_any_order_any_split_and_any_duplicates_give_the_same_features(journal: Journal, seed: int) -> None:
    arrivals = log(seed)
    projection = Projection(journal, MemoryValues())
    for batch in batches(arrivals, seed):
        accept(projection, batch)
    for owner in OF:
        assert close(projection.state(CustomerId(owner)), expected(arrivals, owner))
    rebuilt = projection.rebuild()
    assert (rebuilt.behind, rebuilt.different) == ((), ())


def test_four_writers_give_the_same_features_as_one(
    open_journal: Callable[[], Journal], kept: Callable[[], Values]
) -> None:
    arrivals = log(7, 120)
    writers = [Projection(open_journal(), kept()) for _ in range(4)]
    told = batches(arrivals, 7)
    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(accept, writers[n % 4], batch) for n, batch in enumerate(told)]:
            done.result()
    for owner in OF:
        for writer in writers:
            assert close(writer.state(CustomerId(owner)), expected(arrivals, owner))
    rebuilt = writers[0].rebuild()
    assert (rebuilt.behind, rebuilt.different) == ((), ())


@pytest.mark.parametrize("moment", [0.0, 0.3, 0.7, 1.0])
def test_whenever_names_are_linked_the_features_are_the_same(journal: Journal, moment: float) -> None:
    arrivals = log(11)
    links = [a for a in arrivals if a.kind is None]
    happened = [a for a in arrivals if a.kind is not None]
    cut = round(moment * len(happened))
    projection = Projection(journal, MemoryValues())
    for part in (happened[:cut], links, happened[cut:]):
        for batch in batches(part, 1) if part else []:
            accept(projection, batch)
    for owner in OF:
        assert close(projection.state(CustomerId(owner)), expected(arrivals, owner))


@pytest.mark.parametrize("late", [False, True])
def test_an_event_without_an_offset_has_the_clock_of_whoever_has_its_name_now(journal: Journal, late: bool) -> None:
    def told(event_id: str, kind: Kind | None, *names: str) -> Arrival:
        who = distinct(identity("customer_id" if name == "ann" else "device", name) for name in names)
        return Arrival("web", EventId(event_id), who, kind, ChannelName("web"), Instant(NOW - DAY))

    zones = {"ann": "Asia/Kolkata"}
    projection = Projection(journal, MemoryValues(), zone_of=lambda customer_id: zones.get(customer_id, "UTC"))
    happened, link = told("1", Kind.VISITED, "tablet"), told("2", None, "tablet", "ann")
    for arrival in (happened, link) if late else (link, happened):
        accept(projection, [arrival])
    event = Event(
        "web", EventId("1"), CustomerId("ann"), Kind.VISITED, ChannelName("web"), Instant(NOW - DAY), NOW, 330
    )
    assert close(projection.state(CustomerId("ann")), stored(fold(empty(), [event])))
    assert projection.rebuild().different == ()


def test_a_split_takes_back_exactly_what_the_join_brought(journal: Journal) -> None:
    projection = Projection(journal, MemoryValues())
    arrivals = log(3)
    for batch in batches(arrivals, 3):
        accept(projection, batch)
    card = identity(*NAMES[1])
    left = journal.split(CustomerId("ann"), [card], CAUSE)
    events = [a for a in arrivals if a.kind is not None]
    alone = [a for a in events if a.identities[0] == card]
    rest = [a for a in events if a.identities[0] in {identity(*NAMES[each]) for each in (0, 2)}]
    for customer_id, own in ((left, alone), (CustomerId("ann"), rest)):
        fresh = [
            Event(
                a.source,
                a.event_id,
                customer_id,
                a.kind,
                a.channel,
                a.occurred_at,
                NOW,
                a.utc_offset_min,
                a.offer_id,
                a.category,
                a.value_minor,
            )
            for a in own
            if a.kind is not None
        ]
        assert close(projection.state(customer_id), fold(empty(), fresh))


def test_a_value_left_behind_is_caught_up_by_whoever_reads_next(open_journal: Callable[[], Journal]) -> None:
    arrivals, values = log(5), MemoryValues()
    open_journal().take_in(arrivals, CAUSE)  # and the process died before the values were written
    other = Projection(open_journal(), values)
    assert close(other.state(CustomerId("ann")), expected(arrivals, "ann"))
    assert values.get(CustomerId("bob")) is None
    assert other.catch_up() >= 2
    assert values.get(CustomerId("bob")) is not None
    assert other.rebuild().behind == ()


def test_what_was_just_written_need_not_be_read_back(
    open_journal: Callable[[], Journal], monkeypatch: pytest.MonkeyPatch
) -> None:
    arrivals, told = [a for a in log(13) if len(a.identities) == 1], MemoryValues()
    first, second = Projection(open_journal(), told), Projection(open_journal(), MemoryValues())
    first.journal.take_in(arrivals[:10], CAUSE)  # and the process died before the values were written
    for batch in batches(arrivals[10:], 13):
        accept(first, batch)
    reread = [standing.customer_id for standing in first.journal.standings()]
    second.settle(reread)
    for customer_id in reread:
        assert close(first.state(customer_id), second.state(customer_id))
    assert first.rebuild().different == ()

    taken = first.journal.take_in([replace(a, event_id=EventId(f"new-{a.event_id}")) for a in arrivals], CAUSE)
    monkeypatch.setattr(first.journal, "gaps", None)  # nothing is asked for any more
    first.settle(taken.touched, taken.news)
    monkeypatch.undo()
    second.settle(taken.touched)
    for customer_id in taken.touched:
        assert close(first.state(customer_id), second.state(customer_id))
    assert first.rebuild().behind == ()


@pytest.fixture(params=["memory", "sqlite", "redis"])
def kept(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], Values]:
    """Opens empty values; each call is another holder of the same ones."""
    if request.param == "memory":
        memory = MemoryValues()
        return lambda: memory
    if request.param == "sqlite":
        return lambda: SqliteValues(tmp_path / "online.db")
    address: str = request.getfixturevalue("redis_address")
    return lambda: RedisValues(address, PROJECT, "files")


def test_a_slow_writer_never_replaces_what_a_faster_one_wrote(kept: Callable[[], Values]) -> None:
    for values in (kept(), kept()):
        new, old = (pack(ACTIVITY, Packed(NOW, NOW, position, state_to_row(empty()))) for position in (7, 6))
        values.put([(CustomerId("ann"), new)])
        values.put([(CustomerId("ann"), old)])
        held = values.get(CustomerId("ann"))
        assert held is not None
        assert precedence(held)[0] == 7
        assert values.get_many([CustomerId("bob"), CustomerId("ann")]) == {"bob": None, "ann": new}
        values.remove([CustomerId("ann")])
        assert values.get(CustomerId("ann")) is None
        values.close()


def test_who_is_forgotten_has_no_value_left_and_the_others_do(kept: Callable[[], Values]) -> None:
    values, other = kept(), kept()
    value = pack(ACTIVITY, Packed(NOW, NOW, 7, state_to_row(empty())))
    values.put([(CustomerId(name), value) for name in ("ann", "bob")])
    other.forget([CustomerId("ann"), CustomerId("nobody")])
    other.compact()
    assert values.get_many([CustomerId("ann"), CustomerId("bob")]) == {"ann": None, "bob": value}


def test_of_who_is_forgotten_no_byte_is_left_in_the_file_before_it_is_compacted(tmp_path: Path) -> None:
    values, start = SqliteValues(tmp_path / "online.db"), pack(ACTIVITY, Packed(NOW, NOW, 7, state_to_row(empty())))
    secrets = [token_bytes(length) for length in (30, 20_000, 60, 3_000)]
    for secret in secrets:
        values.put([(CustomerId("ann"), start + secret), (CustomerId("bob"), start)])

    def left() -> list[bool]:
        written = b"".join(file.read_bytes() for file in tmp_path.iterdir())
        return [secret[-30:] in written for secret in secrets]

    assert any(left())
    values.forget([CustomerId("ann")])
    assert not any(left())
    values.close()


def test_live_events_add_to_a_value_from_a_bulk_load(journal: Journal) -> None:
    past = Event("old", EventId("1"), CustomerId("ann"), Kind.PURCHASED, ChannelName("store"), Instant(NOW - DAY), NOW)
    loaded = fold(empty(), [past])
    values = MemoryValues({CustomerId("ann"): pack(ACTIVITY, Packed(NOW, NOW, 0, state_to_row(loaded)))})
    projection = Projection(journal, values)
    arrival = Arrival("t", EventId("2"), (identity("customer_id", "ann"),), Kind.CARTED, ChannelName("web"), NOW)
    accept(projection, [arrival])
    fresh = Event("t", EventId("2"), CustomerId("ann"), Kind.CARTED, ChannelName("web"), NOW, NOW)
    assert close(projection.state(CustomerId("ann")), fold(loaded, [fresh]))


def test_a_rebuild_puts_right_what_was_tampered_with_and_says_whose_it_was(journal: Journal) -> None:
    values = MemoryValues()
    projection = Projection(journal, values)
    arrivals = log(9)
    accept(projection, arrivals)
    held = values.get(CustomerId("ann"))
    assert held is not None
    position = precedence(held)[0]
    wrong = fold(
        expected(arrivals, "ann"),
        [Event("x", EventId("x"), CustomerId("ann"), Kind.SENT, ChannelName("email"), NOW, NOW)],
    )
    values.put([(CustomerId("ann"), pack(ACTIVITY, Packed(NOW, NOW, position, state_to_row(wrong))))])
    assert projection.rebuild().different == (CustomerId("ann"),)
    assert close(projection.state(CustomerId("ann")), expected(arrivals, "ann"))
    assert projection.rebuild().different == ()
