"""Qini curves: incremental outcomes when customers are contacted from the highest score down.

Radcliffe, *Direct Marketing Analytics Journal* 2007; Gutierrez & Gérardy, *PAPIs* 2016. At every depth the difference
of weighted means between contacted and silent customers, times the depth. In incremental outcomes per 1,000 customers,
never normalised by a best possible curve: such scores differ between libraries and cannot be compared.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.ope.log import Floats

PER = 1_000.0


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """One point per customer, after the point of nobody contacted."""

    depth: Floats
    """Share of customers contacted, from 0 to 1, ``[n + 1]``."""
    gained: Floats
    """Incremental outcomes per 1,000 customers, ``[n + 1]``."""

    @property
    def auuc(self) -> float:
        """Area under the curve, outcomes per 1,000 customers in the mean over all depths."""
        return float(np.trapezoid(self.gained, self.depth))

    @property
    def qini(self) -> float:
        """The area above that of contacting at random: 0 for scores that know nothing."""
        return self.auuc - float(self.gained[-1]) / 2.0

    def at(self, depth: float) -> float:
        """Incremental outcomes per 1,000 customers with this share contacted (0–1)."""
        return float(np.interp(depth, self.depth, self.gained))


def curve(score: Floats, contacted: NDArray[np.bool_], outcome: Floats, probability: Floats) -> Curve | None:
    """The curve of one arm against silence; None where there is nobody to compare with.

    Args:
        score: What customers are ordered by, ``[n]``; of equal scores the order is that of the rows, so shuffle them.
        contacted: Whether the arm was used, as against silence, ``[n]``.
        outcome: What came of it: 0 or 1, or money, ``[n]``.
        probability: With which this was decided: the arm where it was used, silence where not, ``[n]``.
    """
    if not len(score) or contacted.all() or not contacted.any():
        return None
    order = np.argsort(-score, kind="stable")
    weight = 1.0 / probability[order]
    used = contacted[order]
    means = [_running_mean(outcome[order], weight * each) for each in (used, ~used)]
    depth = np.arange(1, len(score) + 1) / len(score)
    gained = np.nan_to_num(means[0] - means[1]) * depth * PER
    return Curve(np.concatenate([[0.0], depth]), np.concatenate([[0.0], gained]))


def _running_mean(values: Floats, weights: Floats) -> Floats:
    """Weighted mean of everything up to each row; NaN while the weights are 0."""
    with np.errstate(invalid="ignore"):
        means: Floats = np.cumsum(values * weights) / np.cumsum(weights)
    return means
