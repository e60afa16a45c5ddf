"""How far two distributions are apart: the population stability index over the reference's ten quantiles.

PSI = Σ (r − s)·ln(r/s) over bins, with unknown values in a bin of their own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
BINS = 10
HALF = 0.5
"""Added to each count, so that an empty bin is rare and not impossible."""


@dataclass(frozen=True)
class Histogram:
    """Counts of values between edges, the last of unknown ones."""

    edges: tuple[float, ...]
    """Ascending; a value equal to an edge counts below it."""
    counts: tuple[float, ...]
    """``[len(edges) + 2]``."""

    @staticmethod
    def of(values: Floats) -> Histogram:
        """By the quantiles of the values themselves; values that are all alike make one bin."""
        known = values[~np.isnan(values)]
        edges = np.unique(np.quantile(known, np.linspace(0, 1, BINS + 1)[1:-1])) if len(known) else np.empty(0)
        return Histogram.between(tuple(edges.tolist()), values)

    @staticmethod
    def between(edges: Sequence[float], values: Floats) -> Histogram:
        """By given edges."""
        unknown = np.isnan(values)
        places = np.where(unknown, len(edges) + 1, np.searchsorted(np.array(edges), values, side="left"))
        counts = np.bincount(places, minlength=len(edges) + 2)
        return Histogram(tuple(edges), tuple(counts.astype(float).tolist()))

    @property
    def rows(self) -> float:
        """How many values."""
        return sum(self.counts)


def psi(reference: Histogram, recent: Histogram) -> float:
    """The index between two histograms of the same edges; 0 where both are alike."""
    one, other = (np.array(each.counts) + HALF for each in (reference, recent))
    r, s = one / one.sum(), other / other.sum()
    return float(((r - s) * np.log(r / s)).sum())
