"""Packed values of states: what ``features.codec`` makes of their columns, without going through them one by one."""

from __future__ import annotations

import struct
from functools import cache, lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.codec import F8, HEADER, I8, joined, layout, mismatch
from features.domain import Instant
from features.quick import quick
from features.schema import SCHEMA, Key, Section
from features.state import Memory, State, unset
from features.stored import ACTIVITY, Stored


@quick(frozen=True, slots=True)
class PackedState:
    """A stored state with its provenance, as ``Packed`` has it of a row."""

    event_at: Instant
    created_at: Instant
    position: int
    state: State


def pack_state(view: Stored, packed: PackedState, schema: tuple[Section, ...] = SCHEMA) -> bytes:
    """What ``pack`` makes of the state's columns."""
    singles, lists, texts = [], [], list[str]()
    instants, instant_lists = [int(packed.state.reference).to_bytes(8, "little", signed=True)], []
    counts: tuple[list[int], list[int], list[int]] = ([], [], [])
    for section, memory in zip(schema, packed.state.memories, strict=True):
        if section.key is Key.NONE:
            known = bool(memory.keys)
            singles.append(np.asarray(memory.sums, F8).tobytes() if known else bytes(8 * len(section.sums)))
            instants.append(np.asarray(memory.instants if known else unset(section), I8).tobytes())
            continue
        texts += memory.keys
        counts[2].append(len(memory.keys))
        lists.append(np.asarray(memory.sums, F8).tobytes())
        counts[0].append(memory.sums.size)
        if section.extremes:
            instant_lists.append(np.asarray(memory.instants, I8).tobytes())
            counts[1].append(memory.instants.size)
    return joined(
        layout(view),
        (packed.event_at, packed.created_at, packed.position),
        [n for each in counts for n in each],
        [*singles, *lists, *instants, *instant_lists],
        texts,
    )


_FIRST_COUNT = len(HEADER.unpack(bytes(HEADER.size)))
"""Where in the head counts begin."""


class _Cut(NamedTuple):
    """Where the parts of a state stand in its packed value."""

    mark: bytes
    head: struct.Struct
    whole: tuple[tuple[int, int], ...]
    """How many sums and extremes each section without a key has; these sections come first."""
    keyed: tuple[tuple[int, int, int, int], ...]
    """The same of each section with keys, then the bytes of both for one key."""
    singles: int
    """Bytes before the lists of sums."""
    instants: int
    """Bytes from the first integer to the lists of instants."""
    lists: int
    """Where in the head the counts of the lists of instants begin."""
    texts: int
    """Where in it those of the keys begin."""


@cache
def _cut(view: Stored, schema: tuple[Section, ...]) -> _Cut:
    whole = [(len(s.sums), len(s.extremes)) for s in schema if s.key is Key.NONE]
    keyed = [(len(s.sums), len(s.extremes)) for s in schema if s.key is not Key.NONE]
    if any(section.key is not Key.NONE for section in schema[: len(whole)]):
        raise ValueError("sections without a key come first: put them there in the schema")
    at = layout(view)
    lists = _FIRST_COUNT + len(keyed)
    return _Cut(
        at.mark,
        at.head,
        tuple(whole),
        tuple((sums, extremes, 8 * sums, 8 * extremes) for sums, extremes in keyed),
        at.head.size + 8 * sum(sums for sums, _ in whole),
        8 + 8 * sum(extremes for _, extremes in whole),
        lists,
        lists + sum(extremes > 0 for _, extremes in keyed),
    )


_OF_ALL = _cut(ACTIVITY, SCHEMA)
_INSTANT = struct.Struct("<q")
_WHOLE = ("",)
_array = np.ndarray
"""Of a buffer it is a view; two thirds of the time that it takes to cut it from another array."""


@lru_cache(maxsize=64)
def _no_instants(n_keys: int) -> NDArray[np.int64]:
    return _array((n_keys, 0), I8, b"")


def unpack_state(view: Stored, value: bytes, schema: tuple[Section, ...] = SCHEMA) -> PackedState:
    """The state in a packed value; its arrays are views of the value and cannot be written to.

    Raises:
        SchemaMismatchError: The value was written under another schema; materialise again.
        ValueError: It is cut off.
    """
    # Unpacked anew for every customer who comes: all that is the same from value to value stands ready.
    known = view is ACTIVITY and schema is SCHEMA
    mark, head, whole, keyed, singles, instants, lists, texts = _OF_ALL if known else _cut(view, schema)
    if not value.startswith(mark):
        raise mismatch(view, value)
    told = head.unpack_from(value)
    at_float, at_list = head.size, singles
    middle = singles + 8 * sum(told[_FIRST_COUNT:lists])
    at_integer, at_extremes = middle + 8, middle + instants
    at_text = at_extremes + 8 * sum(told[lists:texts])
    said = value[at_text:].decode()
    keys = said.split(said[0]) if said else [""]
    if len(value) < at_text or len(keys) != 1 + sum(told[texts:]):
        raise ValueError(f"a value of {view.name} is cut off: run `make features` to write it anew")
    memories = []
    for n_sums, n_extremes in whole:
        sums = _array((1, n_sums), F8, value, at_float)
        memories.append(Memory(_WHOLE, sums, _array((1, n_extremes), I8, value, at_integer)))
        at_float += 8 * n_sums
        at_integer += 8 * n_extremes
    begin = 1  # what is said begins with what parts it
    for n, (n_sums, n_extremes, wide, long) in zip(told[texts:], keyed, strict=True):
        end = begin + n
        sums = _array((n, n_sums), F8, value, at_list)
        extremes = _array((n, n_extremes), I8, value, at_extremes) if long else _no_instants(n)
        memories.append(Memory(tuple(keys[begin:end]), sums, extremes))
        begin = end
        at_list += n * wide
        at_extremes += n * long
    state = State(_INSTANT.unpack_from(value, middle)[0], tuple(memories))
    return PackedState(told[2], told[3], told[4], state)
