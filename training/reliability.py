"""Do probabilities mean what they say? Bins of equal count, and what chance alone would show at that size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
BINS = 10
DRAWS = 400


@dataclass(frozen=True)
class Reliability:
    """Bins from the lowest probability to the highest, each ``[n_bins]``, and the gap between said and seen."""

    predicted: Floats
    observed: Floats
    rows: Floats
    error: float
    """Mean of |predicted − observed| over the bins, weighted by their rows."""
    error_by_chance: float
    """The same for a perfectly calibrated model of these probabilities: mean over simulated outcomes …"""
    error_by_chance_high: float
    """… and the value that it stays below in 95 of 100 simulations."""


def reliability(
    taken: NDArray[Any], probability: Floats, weight: Floats, *, seed: int, bins: int = BINS
) -> Reliability:
    """The reliability of probabilities; ``weight`` is how many rows of the population each row stands for.

    Fewer rows than bins make fewer bins. Raises ValueError for no rows.
    """
    if not len(probability):
        raise ValueError("no rows: reliability needs at least one")
    order = np.argsort(probability, kind="stable")
    starts = np.unique(np.arange(bins) * len(order) // bins)
    w, p = weight[order], probability[order]
    mass = np.add.reduceat(w, starts)
    predicted = np.add.reduceat(w * p, starts) / mass

    def gap(outcome: Floats) -> float:
        observed = np.add.reduceat(w * outcome, starts) / mass
        return float(mass @ np.abs(observed - predicted) / mass.sum())

    y = np.asarray(taken, dtype=np.float64)[order]
    rng = np.random.default_rng(seed)
    chance = np.array([gap((rng.random(len(p)) < p).astype(np.float64)) for _ in range(DRAWS)])
    return Reliability(
        predicted,
        np.add.reduceat(w * y, starts) / mass,
        np.diff(np.r_[starts, len(order)]).astype(np.float64),
        gap(y),
        float(chance.mean()),
        float(np.quantile(chance, 0.95)),
    )
