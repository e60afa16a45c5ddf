"""Whether logged probabilities came true: in every range of them, how often the actions were in fact taken."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.ope.log import Floats


@dataclass(frozen=True, slots=True)
class Bin:
    """Actions of similar logged probability."""

    actions: int
    promised: float
    """Mean probability."""
    taken: float
    """Share that was taken."""
    off_by: float
    """Standard errors between the two."""


def propensity_calibration(logged: Floats, action: NDArray[np.intp], n_bins: int = 10) -> list[Bin]:
    """Bins of equal size by probability, smallest first; those without actions are left out.

    Args:
        logged: Probability of every action of every decision, ``[n, actions]``; 0 where it was not allowed.
        action: The action taken, ``[n]``.
        n_bins: How many bins.
    """
    taken = np.zeros(logged.shape)
    taken[np.arange(len(action)), action] = 1.0
    allowed = logged > 0
    order = np.argsort(logged[allowed], kind="stable")
    promised, came = logged[allowed][order], taken[allowed][order]
    return [
        _bin(p, t)
        for p, t in zip(np.array_split(promised, n_bins), np.array_split(came, n_bins), strict=True)
        if len(p)
    ]


def _bin(promised: Floats, taken: Floats) -> Bin:
    gap = float(taken.mean() - promised.mean())
    error = float(np.sqrt((promised * (1.0 - promised)).sum()) / len(promised))
    off_by = gap / error if error > 0 else (0.0 if gap == 0 else float("inf"))
    return Bin(len(promised), float(promised.mean()), float(taken.mean()), off_by)
