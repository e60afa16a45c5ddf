import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.codec import Packed, SchemaMismatchError, pack, unpack
from features.domain import Instant
from features.packed_state import PackedState, pack_state, unpack_state
from features.schema import EVIDENCE_SCHEMA, SCHEMA, Key, Section
from features.state import Memory, State, empty
from features.stored import ACTIVITY, EVIDENCE, PROFILE, Stored, state_from_row, state_to_row


@st.composite
def states(draw: st.DrawFn, schema: tuple[Section, ...]) -> State:
    chance = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    memories = []
    for section in schema:
        texts = st.lists(st.text(max_size=128), max_size=4, unique=True)
        keys = ("",) if section.key is Key.NONE else tuple(sorted(draw(texts)))
        instants = chance.integers(-(2**63), 2**63 - 1, (len(keys), len(section.extremes)))
        memories.append(Memory(keys, chance.normal(size=(len(keys), len(section.sums))), instants))
    return State(Instant(draw(st.integers(-(2**63), 2**63 - 1))), tuple(memories))


@pytest.mark.parametrize(("view", "schema"), [(ACTIVITY, SCHEMA), (EVIDENCE, EVIDENCE_SCHEMA)])
@given(data=st.data())
def test_a_state_is_packed_into_the_bytes_of_its_columns(
    view: Stored, schema: tuple[Section, ...], data: st.DataObject
) -> None:
    for state in (data.draw(states(schema)), empty(schema)):
        value = pack_state(view, PackedState(Instant(3), Instant(2), 1, state), schema)
        assert value == pack(view, Packed(Instant(3), Instant(2), 1, state_to_row(state, schema)))
        back = unpack_state(view, value, schema)
        assert (back.event_at, back.created_at, back.position) == (3, 2, 1)
        expected = state_from_row(unpack(view, value).row, schema)
        assert back.state.reference == expected.reference
        for found, put in zip(back.state.memories, expected.memories, strict=True):
            assert found.keys == put.keys
            assert found.sums.tobytes() == put.sums.tobytes()
            assert found.instants.tobytes() == put.instants.tobytes()
            assert found.sums.shape == put.sums.shape
    with pytest.raises(SchemaMismatchError):
        unpack_state(PROFILE, value, schema)


def test_a_schema_whose_sections_without_a_key_come_later_is_refused() -> None:
    schema = SCHEMA[1], SCHEMA[0]
    value = pack_state(ACTIVITY, PackedState(Instant(3), Instant(2), 1, empty()))
    with pytest.raises(ValueError, match="come first"):
        unpack_state(ACTIVITY, value, schema)


def test_what_was_unpacked_cannot_be_written_to() -> None:
    value = pack_state(ACTIVITY, PackedState(Instant(3), Instant(2), 1, empty()))
    for memory in unpack_state(ACTIVITY, value).state.memories:
        assert not memory.sums.flags.writeable
        assert not memory.instants.flags.writeable


@given(data=st.data())
def test_a_value_that_is_cut_off_before_its_keys_is_refused(data: st.DataObject) -> None:
    state = data.draw(states(SCHEMA))
    value = pack_state(ACTIVITY, PackedState(Instant(3), Instant(2), 1, state))
    text = sum(len(key.encode()) + len("🦉".encode()) for memory in state.memories for key in memory.keys)
    cut = value[: data.draw(st.integers(0, len(value) - text - 1))]
    with pytest.raises((ValueError, SchemaMismatchError, struct.error)):
        unpack_state(ACTIVITY, cut)
