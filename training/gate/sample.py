"""Which decisions are judged where there are too many: the same for every model, so that two can be compared."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import numpy as np

from training.value.trial import Index

MOST = 24_000
"""Decisions judged at most: somewhat more than it takes to see a fifth of a champion's gap closed."""


def sample(rows: Index, decisions: Sequence[str], most: int = MOST) -> Index:
    """At most so many of the rows, ascending. Who stays follows from the decision's id alone: of two sets, those that
    stay in one and stand in the other stay there, too, unless it is the larger. ``decisions``: the id of each row."""
    if len(rows) <= most:
        return rows
    lot = np.array([zlib.crc32(each.encode()) for each in decisions])
    kept: Index = np.sort(rows[np.argsort(lot, kind="stable")[:most]])
    return kept
