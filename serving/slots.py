"""What a customer did with some keys, read from the state in one go."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from features.domain import Instant
from features.past import Past, days_since
from features.schema import SCHEMA
from features.state import NEVER, Floats, Instants, Memory, State, half_lives_us, unset

Shape = tuple[int, int]


class Slots:
    """Where the rows of each section's keys stand in one long array of sums, and in one of instants."""

    def __init__(self, keys: Sequence[Sequence[str]]) -> None:
        """``keys`` are those of each section of SCHEMA, in its order; each key once."""
        self._keys = [tuple(each) for each in keys]
        self._rows = [{key: row for row, key in enumerate(each)} for each in keys]
        self._sums, n_sums = laid_out([(len(k), len(s.sums)) for k, s in zip(keys, SCHEMA, strict=True)])
        self._instants, n_instants = laid_out([(len(k), len(s.extremes)) for k, s in zip(keys, SCHEMA, strict=True)])
        lives, unknown = np.empty(n_sums), np.empty(n_instants, dtype=np.int64)
        for section, (where, shape), (place, other) in zip(SCHEMA, self._sums, self._instants, strict=True):
            lives[where].reshape(shape)[:] = half_lives_us(section)
            unknown[place].reshape(other)[:] = unset(section)
        self._lives, self._life = np.unique(lives, return_inverse=True)
        self._unknown = unknown

    def pasts(self, state: State, at: Instant) -> list[Past]:
        """How each section's keys look at an instant, each ``[n_keys, ...]``; the same as ``past`` of their rows."""
        sums, instants = np.zeros(len(self._life)), self._unknown.copy()
        places = list(zip(self._sums, self._instants, strict=True))
        for number, ((where, shape), (place, other)) in enumerate(places):
            if state.memories[number].keys:
                self._copy(number, state.memories[number], sums[where].reshape(shape), instants[place].reshape(other))
        elapsed = 0 if state.reference == NEVER else max(at - state.reference, 0)
        sums *= np.exp2(-elapsed / self._lives)[self._life]
        days = days_since(instants, np.asarray(at, dtype=np.int64))
        return [
            Past(section, sums[where].reshape(shape), days[place].reshape(other))
            for section, ((where, shape), (place, other)) in zip(SCHEMA, places, strict=True)
        ]

    def _copy(self, number: int, memory: Memory, sums: Floats, instants: Instants) -> None:
        """Put the rows of the keys that have a place into it."""
        if memory.keys == self._keys[number]:
            sums[:], instants[:] = memory.sums, memory.instants
            return
        row = self._rows[number]
        found = [(here, row[key]) for here, key in enumerate(memory.keys) if key in row]
        if found:
            here, there = map(list, zip(*found, strict=True))
            sums[there], instants[there] = memory.sums[here], memory.instants[here]


def laid_out(shapes: Sequence[Shape]) -> tuple[list[tuple[slice, Shape]], int]:
    """A slice for each shape, one after the other, and where they end."""
    ends = np.cumsum([0, *(rows * width for rows, width in shapes)]).tolist()
    return [(slice(ends[n], ends[n + 1]), shape) for n, shape in enumerate(shapes)], ends[-1]
