"""A customer's history as a value: merging is associative and commutative, and the empty state is its identity."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

import numpy as np
from numpy.typing import NDArray

from features.domain import DAY, Instant
from features.quick import quick
from features.schema import SCHEMA, Section

Floats = NDArray[np.float64]
Instants = NDArray[np.int64]

NEVER = Instant(-(2**63))
"""Identity of the maximum: the latest instant of something that never happened, and the reference of no history."""
NOT_YET = Instant(2**63 - 1)
"""Identity of the minimum: the earliest instant of something that never happened."""


@quick(frozen=True, slots=True)
class Memory:
    """The rows of one section: float64 ``[n_keys, n_sums]`` and int64 ``[n_keys, n_extremes]``, by sorted key."""

    keys: tuple[str, ...]
    sums: Floats
    instants: Instants


@quick(frozen=True, slots=True)
class State:
    """What is remembered; every sum is aged to ``reference``."""

    reference: Instant
    memories: tuple[Memory, ...]


@cache
def half_lives_us(section: Section) -> Floats:
    """Half-lives of the section's sums in microseconds, ``[n_sums]``."""
    return np.array([s.half_life_days * DAY for s in section.sums], dtype=np.float64)


@cache
def unset(section: Section) -> Instants:
    """The extremes of a key that was never touched, ``[n_extremes]``."""
    return np.array([NOT_YET if e.earliest else NEVER for e in section.extremes], dtype=np.int64)


@cache
def _earliest(section: Section) -> NDArray[np.bool_]:
    return np.array([e.earliest for e in section.extremes], dtype=np.bool_)


def empty(schema: tuple[Section, ...] = SCHEMA) -> State:
    """The state of a customer of whom nothing is known: the identity of ``merge``."""
    return State(NEVER, tuple(_no_rows(section) for section in schema))


def _no_rows(section: Section) -> Memory:
    return Memory((), np.zeros((0, len(section.sums))), np.zeros((0, len(section.extremes)), dtype=np.int64))


def decay(section: Section, elapsed_us: int) -> Floats:
    """Factors 2^(-elapsed / half-life), ``[n_sums]``; an elapsed time below zero counts as zero."""
    return np.exp2(-max(elapsed_us, 0) / half_lives_us(section))


def aged(state: State, reference: Instant, schema: tuple[Section, ...] = SCHEMA) -> State:
    """The same history seen from a later instant. A ``reference`` that is not later changes nothing."""
    if reference <= state.reference:
        return state
    if state.reference == NEVER:
        return State(reference, state.memories)
    # One exponential for all sections: called on the way of every event.
    factors = np.exp2((state.reference - reference) / _all_half_lives_us(schema))
    return State(
        reference,
        tuple(
            Memory(memory.keys, memory.sums * factors[place] if memory.keys else memory.sums, memory.instants)
            for place, memory in zip(_slices(schema), state.memories, strict=True)
        ),
    )


@cache
def _all_half_lives_us(schema: tuple[Section, ...]) -> Floats:
    return np.concatenate([half_lives_us(section) for section in schema])


@cache
def _slices(schema: tuple[Section, ...]) -> tuple[slice, ...]:
    """Where each section's sums stand among those of all."""
    ends = np.cumsum([len(section.sums) for section in schema]).tolist()
    return tuple(slice(begin, end) for begin, end in zip([0, *ends[:-1]], ends, strict=True))


def merge(left: State, right: State, schema: tuple[Section, ...] = SCHEMA) -> State:
    """The history of both, for two sets of events that have none in common."""
    reference = Instant(max(left.reference, right.reference))
    left, right = aged(left, reference, schema), aged(right, reference, schema)
    return State(
        reference,
        tuple(_merge_rows(section, a, b) for section, a, b in zip(schema, left.memories, right.memories, strict=True)),
    )


def _merge_rows(section: Section, left: Memory, right: Memory) -> Memory:
    if not left.keys:
        return right
    if not right.keys:
        return left
    keys = tuple(sorted({*left.keys, *right.keys}))
    place = {key: row for row, key in enumerate(keys)}
    sums = np.zeros((len(keys), len(section.sums)))
    instants = np.tile(unset(section), (len(keys), 1))
    for memory in (left, right):
        rows = [place[key] for key in memory.keys]
        sums[rows] += memory.sums
        instants[rows] = extreme(section, instants[rows], memory.instants)
    return Memory(keys, sums, instants)


def extreme(section: Section, left: Instants, right: Instants) -> Instants:
    """Minimum where the section keeps the earliest instant, maximum elsewhere; ``[..., n_extremes]``."""
    return np.where(_earliest(section), np.minimum(left, right), np.maximum(left, right))


def merge_all(states: Iterable[State], schema: tuple[Section, ...] = SCHEMA) -> State:
    """The merge of any number of states; the empty state for none."""
    result = empty(schema)
    for state in states:
        result = merge(result, state, schema)
    return result


def close(
    left: State,
    right: State,
    schema: tuple[Section, ...] = SCHEMA,
    relative: float = 1e-9,
    absolute: float = 1e-12,
) -> bool:
    """True where both states are the same history, whatever instant each was last aged to."""
    reference = Instant(max(left.reference, right.reference))
    left, right = aged(left, reference, schema), aged(right, reference, schema)
    return all(
        a.keys == b.keys
        and np.array_equal(a.instants, b.instants)
        and np.allclose(a.sums, b.sums, rtol=relative, atol=absolute)
        for a, b in zip(left.memories, right.memories, strict=True)
    )
