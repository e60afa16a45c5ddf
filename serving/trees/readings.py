"""How tests read a column, so that every test of a tree becomes ``value <= threshold``.

LightGBM sends missing values left or right whatever the threshold, and asks of a category whether it is in a set. Each
way of reading gets a value of its own instead: −inf passes every test, NaN passes none.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from serving.trees.tree import MISSING_NAN, MISSING_NONE, Tree, Words

PASSES, FAILS = -np.inf, np.nan


@dataclass(frozen=True, slots=True)
class Reading:
    """One way to read one column. ``words`` is the set of categories that pass; None for a number.

    For a category only the set counts: LightGBM makes an int of it before it looks for NaN, which is then below 0.
    """

    column: int
    when_nan: float
    when_zero: float
    words: bytes | None = None

    @property
    def key(self) -> tuple[int, str, str, bytes | None]:
        """What tells two readings apart (NaN is not equal to itself)."""
        return self.column, repr(self.when_nan), repr(self.when_zero), self.words


def reading_of(tree: Tree, node: int) -> Reading:
    """How this node reads its column."""
    column, words = int(tree.column[node]), tree.words[node]
    if words is not None:
        return Reading(column, FAILS, FAILS, words.tobytes())
    missing, fill = int(tree.missing[node]), PASSES if tree.default_left[node] else FAILS
    if missing == MISSING_NONE:
        return Reading(column, 0.0, 0.0)
    return Reading(column, fill, 0.0 if missing == MISSING_NAN else fill)


@dataclass(frozen=True, slots=True)
class Readings:
    """Many readings as arrays for the kernels.

    By reading ``place`` int64 ``[n · 4]``: column, 1 for a category and 0 for a number, where its words begin and end;
    ``fill`` float64 ``[n · 2]``: the value read for NaN and for zero. ``words`` uint32 holds all sets.
    """

    place: NDArray[np.int64]
    fill: NDArray[np.float64]
    words: Words

    @staticmethod
    def of(readings: list[Reading]) -> Readings:
        """These readings, in their order."""
        place = np.zeros((len(readings), 4), dtype=np.int64)
        fill = np.zeros((len(readings), 2))
        words: list[Words] = []
        end = 0
        for row, each in enumerate(readings):
            start = end
            if each.words is not None:
                words.append(np.frombuffer(each.words, dtype=np.uint32))
                end += len(words[-1])
            place[row] = each.column, each.words is not None, start, end
            fill[row] = each.when_nan, each.when_zero
        return Readings(place.ravel(), fill.ravel(), np.concatenate(words) if words else np.zeros(0, dtype=np.uint32))
