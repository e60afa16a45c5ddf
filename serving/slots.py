"""What a customer did with some keys, read from the state in one go."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain, repeat

import numpy as np

from features.domain import Instant
from features.past import Past
from features.schema import SCHEMA
from features.state import NEVER, Floats, Memory, State, half_lives_us
from serving import loops
from serving.tape import Tape, Term

Shape = tuple[int, int]
Rows = Mapping[str, int]
"""The row of each key."""


class Slots:
    """Where the sums and days of each section's keys stand in a long array of values."""

    def __init__(self, tape: Tape, n_keys: Sequence[int]) -> None:
        """Find room on the tape for so many keys of each section of SCHEMA, in its order."""
        self.pasts: list[Past] = []
        """By section, made of terms."""
        places = []
        for section, n in zip(SCHEMA, n_keys, strict=True):
            sums, of_sums = tape.room(n, len(section.sums))
            days, of_days = tape.room(n, len(section.extremes))
            places.append((sums, len(of_sums), days, len(of_days), n))
            self.pasts.append(Past(section, Columns(of_sums), Columns(of_days)))  # type: ignore[arg-type]
        self._places = np.array(places, dtype=np.int64)
        lives = np.concatenate([half_lives_us(section) for section in SCHEMA])
        self._lives, self._life = np.unique(lives, return_inverse=True)

    def fill(self, values: Floats, state: State, at: Instant, rows: Sequence[Rows]) -> None:
        """Write what the keys look like at an instant, the same as ``past`` of their rows.

        ``rows`` are those of each section; keys that have none are left out.
        """
        memories = state.memories
        elapsed = 0 if state.reference == NEVER else max(at - state.reference, 0)
        factors = np.exp2(-elapsed / self._lives)[self._life]
        keys = [_rows(memory, row) for memory, row in zip(memories, rows, strict=True)]
        loops.fill(
            values,
            np.concatenate([memory.sums.ravel() for memory in memories]),
            np.concatenate([memory.instants.ravel() for memory in memories]),
            np.array([*map(len, keys), *chain.from_iterable(keys)], dtype=np.int64),
            factors,
            self._places,
            int(at),
        )


def _rows(memory: Memory, row: Rows) -> Sequence[int]:
    return list(map(row.get, memory.keys, repeat(-1)))


class Columns:
    """Terms in place of an array ``[..., n]``."""

    def __init__(self, terms: Sequence[Term]) -> None:
        self.terms = terms

    def __getitem__(self, index: tuple[object, int]) -> Term:
        return self.terms[index[1]]


def alone(past: Past) -> Past:
    """That of the first key, which is the same for all others."""
    return Past(past.section, *(Columns([each.for_all() for each in part.terms]) for part in (past.sums, past.days)))  # type: ignore


def columns(past: Past) -> list[Term]:
    """The sums and then the days of a past that is made of terms."""
    return [*past.sums.terms, *past.days.terms]  # type: ignore[attr-defined]


def laid_out(shapes: Sequence[Shape]) -> tuple[list[tuple[slice, Shape]], int]:
    """A slice for each shape, one after the other, and where they end."""
    ends = np.cumsum([0, *(rows * width for rows, width in shapes)]).tolist()
    return [(slice(ends[n], ends[n + 1]), shape) for n, shape in enumerate(shapes)], ends[-1]
