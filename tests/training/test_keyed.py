import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.domain import DAY, Category, ChannelName, CustomerId, Event, EventId, Instant, Kind
from features.fold import fold
from features.past import past, rows_of
from features.schema import BY_CATEGORY, CUSTOMER, SCHEMA
from features.state import State, empty
from features.stored import ACTIVITY, Shape, state_to_row
from training.keyed import Keyed, dense, reference

NOW = Instant(1_700_000_000_000_000)
WORDS = ("bread", "coffee", "wine")
SECTION = SCHEMA.index(BY_CATEGORY)
TYPES = {
    Shape.FLOAT: pa.float64(),
    Shape.INT: pa.int64(),
    Shape.FLOATS: pa.list_(pa.float64()),
    Shape.INTS: pa.list_(pa.int64()),
    Shape.TEXTS: pa.list_(pa.string()),
}


def state_of(purchases: list[str]) -> State:
    bought = [
        Event("s", EventId(str(i)), CustomerId("c"), Kind.PURCHASED, ChannelName("store"), Instant(NOW - i * DAY),
              Instant(NOW - i * DAY), category=Category(word), value_minor=100 + i)
        for i, word in enumerate(purchases)
    ]  # fmt: skip
    return fold(empty(), bought)


def table_of(states: list[State | None]) -> pa.Table:
    rows = [{} if state is None else state_to_row(state) for state in states]
    return pa.table({c.name: pa.array([row.get(c.name) for row in rows], TYPES[c.shape]) for c in ACTIVITY.columns})


@given(
    st.lists(st.one_of(st.none(), st.lists(st.sampled_from(WORDS), max_size=4)), min_size=1, max_size=6),
    st.lists(st.tuples(st.integers(0, 5), st.sampled_from([*WORDS, "never touched", None])), max_size=20),
)
def test_many_lookups_at_once_are_the_lookups_one_by_one(purchases, wanted) -> None:
    states = [None if words is None else state_of(words) for words in purchases]
    wanted = [(number % len(states), key) for number, key in wanted]
    at = np.array([NOW + i * DAY for i in range(len(wanted))], dtype=np.int64)
    keyed = Keyed(BY_CATEGORY, table_of(states))
    found = keyed.past(np.array([number for number, _ in wanted], dtype=np.intp), [key for _, key in wanted], at)
    for i, (number, key) in enumerate(wanted):
        state = states[number] or empty()
        one = past(BY_CATEGORY, *rows_of(BY_CATEGORY, state.memories[SECTION], [key or ""]), state.reference, at[i])
        assert np.array_equal(found.sums[i], one.sums[0])
        assert np.array_equal(found.days[i], one.days[0], equal_nan=True)


def test_the_number_of_keys_counts_what_was_touched() -> None:
    states = [state_of(["wine", "bread", "wine"]), None, empty()]
    assert Keyed(BY_CATEGORY, table_of(states)).n_keys.tolist() == [2, 0, 0]


def test_a_section_without_key_comes_as_arrays_and_nothing_known_as_nothing_done() -> None:
    table = table_of([state_of(["wine"]), None])
    sums, instants = dense(CUSTOMER, table)
    assert sums[0].max() == 100
    assert sums[1].tolist() == [0.0] * len(CUSTOMER.sums)
    assert past(CUSTOMER, sums, instants, reference(table), np.array([NOW, NOW])).days[1].tolist() == pytest.approx(
        [np.nan] * len(CUSTOMER.extremes), nan_ok=True
    )


def test_a_keyed_section_is_not_read_as_one_without() -> None:
    with pytest.raises(ValueError, match="use Keyed"):
        dense(BY_CATEGORY, table_of([None]))


def test_keys_of_a_state_that_do_not_ascend_are_refused() -> None:
    table = table_of([state_of(["wine", "bread"])])
    place = table.column_names.index("category_keys")
    wrong = table.set_column(place, "category_keys", pa.array([["wine", "bread"]], TYPES[Shape.TEXTS]))
    with pytest.raises(ValueError, match="do not ascend"):
        Keyed(BY_CATEGORY, wrong).past(np.zeros(1, dtype=np.intp), ["wine"], np.array([NOW]))
