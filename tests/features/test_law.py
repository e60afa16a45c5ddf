import os
from collections.abc import Sequence
from dataclasses import replace
from functools import reduce

import ibis
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from features.batch import batch
from features.domain import DAY, Category, ChannelName, CustomerId, Event, EventId, Instant, Kind, OfferId
from features.fold import fold
from features.state import State, aged, close, empty, merge
from features.stored import state_from_row, state_to_row
from serving.settings import read_settings
from tests.oracle import event_of, of_state, remembered, same

START = 1_600_000_000_000_000
CATEGORIES = frozenset({"bread", "wine"})


@st.composite
def logs(draw: st.DrawFn, most: int = 25) -> list[Event]:
    """Deduplicated events of two customers: late, early, without offer or category, at equal instants, in any order."""
    n = draw(st.integers(0, most))
    return [draw(_events(number)) for number in range(n)]


@st.composite
def _events(draw: st.DrawFn, number: int) -> Event:
    occurred = START + draw(st.one_of(st.integers(0, 400 * DAY), st.sampled_from([0, DAY, 30 * DAY])))
    late = draw(st.one_of(st.just(0), st.integers(-2 * DAY, 40 * DAY)))
    return Event(
        source="log",
        event_id=EventId(str(number)),
        customer_id=CustomerId(draw(st.sampled_from(["ann", "bob"]))),
        kind=draw(st.sampled_from(list(Kind))),
        channel=ChannelName(draw(st.sampled_from(["email", "store"]))),
        occurred_at=Instant(occurred),
        received_at=Instant(occurred + late),
        utc_offset_min=draw(st.sampled_from([-300, 0, 330, 765])),
        offer_id=draw(st.sampled_from([None, OfferId("o1"), OfferId("o2")])),
        category=draw(st.sampled_from([None, Category("bread"), Category("wine"), Category("never heard of")])),
        value_minor=draw(st.one_of(st.none(), st.integers(0, 10**9))),
        discount_minor=draw(st.one_of(st.none(), st.integers(0, 10**6))),
    )


def folded(events: Sequence[Event]) -> State:
    return fold(empty(), events, categories=CATEGORIES)


def latest(events: Sequence[Event]) -> Instant:
    return Instant(max([START, *(max(e.occurred_at, e.received_at) for e in events)]) + DAY)


def deduplicated(events: Sequence[Event]) -> list[Event]:
    return list({(event.source, event.event_id): event for event in reversed(events)}.values())


@given(logs(), st.randoms(use_true_random=False))
def test_folding_gives_what_the_definition_says_in_whatever_order_events_arrive(log, random) -> None:
    at = latest(log)
    expected = remembered(log, at, categories=CATEGORIES)
    random.shuffle(log)
    one_by_one = reduce(lambda state, event: fold(state, [event], categories=CATEGORIES), log, empty())
    assert same(of_state(folded(log), at), expected)
    assert same(of_state(one_by_one, at), expected)


@given(logs(), st.lists(st.integers(0, 3), min_size=25, max_size=25))
def test_any_split_merges_to_the_whole(log, parts) -> None:
    split = [[e for e, part in zip(log, parts, strict=False) if part == number] for number in range(4)]
    states = [folded(part) for part in split]
    assert close(reduce(merge, states), folded(log))
    assert close(reduce(merge, reversed(states)), folded(log))


@given(logs(), logs(), logs())
def test_merging_is_associative_and_commutative_and_the_empty_history_changes_nothing(a, b, c) -> None:
    x, y, z = folded(a), folded(b), folded(c)
    assert close(merge(merge(x, y), z), merge(x, merge(y, z)))
    assert close(merge(x, y), merge(y, x))
    assert close(merge(x, empty()), x)
    assert close(merge(empty(), x), x)


@given(logs(), st.integers(0, 24), st.randoms(use_true_random=False))
def test_an_event_delivered_twice_counts_once_after_deduplication(log, again, random) -> None:
    delivered = log + log[:again]
    random.shuffle(delivered)
    assert close(folded(deduplicated(delivered)), folded(log))


@given(logs(), st.lists(st.integers(0, 500), max_size=4))
def test_ageing_in_steps_is_ageing_at_once(log, days) -> None:
    state = folded(log)
    end = Instant(latest(log) + 500 * DAY)
    steps = reduce(lambda s, day: aged(s, Instant(latest(log) + day * DAY)), days, state)
    assert close(aged(steps, end), aged(state, end))


@given(logs())
def test_stored_columns_give_the_state_back(log) -> None:
    state = folded(log)
    back = state_from_row(state_to_row(state))
    assert same(of_state(back, latest(log)), of_state(state, latest(log)))


def as_table(events: Sequence[Event]) -> pa.Table:
    return pa.table(
        {
            "subject": pa.array([e.customer_id for e in events], pa.string()),
            "kind": pa.array([str(e.kind) for e in events], pa.string()),
            "channel": pa.array([e.channel for e in events], pa.string()),
            "occurred_us": pa.array([e.occurred_at for e in events], pa.int64()),
            "received_us": pa.array([e.received_at for e in events], pa.int64()),
            "utc_offset_min": pa.array([e.utc_offset_min for e in events], pa.int16()),
            "offer_id": pa.array([e.offer_id for e in events], pa.string()),
            "category": pa.array([e.category for e in events], pa.string()),
            "value_minor": pa.array([e.value_minor for e in events], pa.int64()),
            "discount_minor": pa.array([e.discount_minor for e in events], pa.int64()),
        }
    )


def batched(
    events: Sequence[Event], asked: Sequence[tuple[str, int]], categories: frozenset[str] | None = CATEGORIES
) -> list[State]:
    return [state_from_row(row) for row in stored(as_table(events), asked, categories).to_pylist()]


def stored(
    events: pa.Table, asked: Sequence[tuple[str, int]], categories: frozenset[str] | None, threads: int = 1
) -> pa.Table:
    con = ibis.duckdb.connect(threads=threads)
    instants = {
        "row": pa.array(range(len(asked)), pa.int64()),
        "subject": pa.array([subject for subject, _ in asked], pa.string()),
        "at_us": pa.array([at for _, at in asked], pa.int64()),
    }
    con.con.register("log", events)
    con.con.register("asked", pa.table(instants))
    return batch(con.table("log"), con.table("asked"), categories=categories, threads=threads)


@pytest.mark.slow
@settings(max_examples=5, suppress_health_check=[HealthCheck.too_slow])
@given(logs(most=60), st.lists(st.integers(-1, 450), min_size=1, max_size=5, unique=True))
def test_batch_at_many_instants_is_the_fold_of_what_was_known_by_each(log, days) -> None:
    asked = [(customer, START + day * DAY) for customer in ("ann", "bob", "nobody") for day in days]
    for (customer, at), state in zip(asked, batched(log, asked), strict=True):
        known = [e for e in log if e.customer_id == customer and e.received_at <= at]
        assert same(of_state(state, at), remembered(known, at, categories=CATEGORIES))
        assert same(of_state(state, at), of_state(folded(known), at)) or not known


def test_any_number_of_threads_and_any_order_of_events_give_the_same_bits() -> None:
    rng = np.random.default_rng(11)
    n, n_customers, instants = 20_000, 300, [START + day * DAY for day in (100, 200, 401)]
    occurred = START + rng.integers(0, 400, n) * DAY // rng.choice([1, 24], n)
    told = {
        "subject": pa.array([f"c{who:03d}" for who in rng.integers(0, n_customers, n)]),
        "kind": pa.array(rng.choice([str(kind) for kind in Kind], n)),
        "channel": pa.array(rng.choice(["email", "store"], n)),
        "occurred_us": pa.array(occurred),
        "received_us": pa.array(occurred + rng.integers(0, 2, n) * DAY),
        "utc_offset_min": pa.array(rng.choice([-300, 0, 330], n).astype(np.int16)),
        "offer_id": pa.array([f"o{offer}" for offer in rng.integers(0, 40, n)], mask=rng.random(n) < 0.4),
        "category": pa.array([f"k{category}" for category in rng.integers(0, 30, n)], mask=rng.random(n) < 0.1),
        "value_minor": pa.array(rng.integers(0, 10**6, n), mask=rng.random(n) < 0.5),
        "discount_minor": pa.array(rng.integers(0, 10**4, n), mask=rng.random(n) < 0.5),
    }
    events, asked = pa.table(told), [(f"c{who:03d}", at) for at in instants for who in range(n_customers + 1)]
    one = stored(events, asked, None, threads=1)
    assert one.equals(stored(events.take(pa.array(rng.permutation(n))), asked, None, threads=3))
    assert one.equals(stored(events.take(pa.array(rng.permutation(n))), asked, None, threads=2))


def test_an_event_counts_from_when_it_was_learnt_where_that_came_first() -> None:
    announced = Event(
        "log",
        EventId("1"),
        CustomerId("ann"),
        Kind.PURCHASED,
        ChannelName("store"),
        Instant(START + DAY),
        Instant(START),
    )
    assert same(of_state(folded([announced]), START), of_state(folded([replace(announced, occurred_at=START)]), START))


def test_what_was_learnt_after_the_instant_is_not_used() -> None:
    late = Event(
        "log",
        EventId("1"),
        CustomerId("ann"),
        Kind.PURCHASED,
        ChannelName("store"),
        Instant(START),
        Instant(START + DAY),
    )
    before, after = batched([late], [("ann", START + DAY - 1), ("ann", START + DAY)])
    assert of_state(before, START + DAY - 1) == {}
    assert of_state(after, START + DAY) != {}


@pytest.mark.slow
@pytest.mark.parametrize("source", ["complete_journey", "starbucks"])
def test_the_law_holds_for_real_households(source: str) -> None:
    """Twelve drawn with a fixed seed, each at three instants."""
    folder = replace(read_settings(os.environ), source=source).contract_dir
    if not (folder / "events.parquet").exists():
        pytest.skip(f"needs `make data SOURCE={source}`")
    rng = np.random.default_rng(5)
    everyone = pq.read_table(folder / "customers.parquet", columns=["customer_id"])["customer_id"].to_pylist()
    drawn = rng.choice(sorted(everyone), 12, replace=False).tolist()
    events = real_events(folder, drawn)
    times = sorted(e.received_at for e in events)
    instants = [times[len(times) // 3], times[2 * len(times) // 3] + 12_345, times[-1] + DAY]
    asked = [(customer, at) for customer in drawn for at in instants]
    for (customer, at), state in zip(asked, batched(events, asked, None), strict=True):
        own = [e for e in events if e.customer_id == customer and e.received_at <= at]
        halves = merge(fold(empty(), own[::2]), fold(empty(), own[1::2]))
        expected = remembered(own, at)
        assert same(of_state(state, at), expected)
        assert same(of_state(fold(empty(), rng.permutation(np.array(own, dtype=object)).tolist()), at), expected)
        assert same(of_state(halves, at), expected)


def real_events(folder: os.PathLike[str], customers: list[str]) -> list[Event]:
    table = pq.read_table(f"{folder}/events.parquet", filters=[("customer_id", "in", customers)])
    for name in ("occurred_at", "received_at"):
        place = table.column_names.index(name)
        table = table.set_column(place, name, table[name].cast(pa.int64()))
    return [replace(event_of(row), kind=Kind(row["kind"])) for row in table.to_pylist()]
