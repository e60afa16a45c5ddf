"""How much of the modelled value exploration may give up, and the sharpness that keeps to it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from serving.explore import Floats, Mask, inverse_gap

HALVINGS = 60


@dataclass(frozen=True, slots=True)
class Allowance:
    """The account of a day, minor units; the accounts of two processes add up.

    Only learnt choices are counted: control and random ones are the price of knowing.
    """

    share: float
    """Share (0–1) of the best modelled value that may be given up."""
    best: float = 0.0
    """Modelled value of the best choices so far."""
    given_up: float = 0.0
    """What the distributions gave up of it so far."""

    def left(self, best: float) -> float:
        """What a decision whose best choice is worth ``best`` may give up."""
        return max(self.share * (self.best + max(best, 0.0)) - self.given_up, 0.0)

    def after(self, best: float, given_up: float) -> Allowance:
        """The account after one more decision."""
        return Allowance(self.share, self.best + max(best, 0.0), self.given_up + given_up)

    def __add__(self, other: Allowance) -> Allowance:
        """Both accounts together."""
        return Allowance(self.share, self.best + other.best, self.given_up + other.given_up)


def given_up(scores: Floats, distribution: Floats) -> float:
    """What a distribution gives up of the best possible score, in the mean."""
    reachable = distribution > 0
    return float(scores[reachable].max() - distribution[reachable] @ scores[reachable])


def sharpness(per_root: float, decisions: int, scale: float) -> float:
    """γ after so many decisions: it grows with their square root.

    ``scale`` is what scores typically differ by, so that γ has the unit of one over a score.
    """
    return per_root * math.sqrt(max(decisions, 1)) / scale


def sharp_enough(scores: Floats, still: Mask, gamma: float, best: int, floor: float, allowed: float) -> float:
    """The smallest sharpness from ``gamma`` that gives up at most ``allowed``.

    The floor is kept whatever it costs: infinite where even the best choice over the floor gives up more.
    """

    def cost(sharp: float) -> float:
        return given_up(scores[still], inverse_gap(scores, still, sharp, best, floor)[still])

    if cost(gamma) <= allowed:
        return gamma
    if cost(math.inf) >= allowed:
        return math.inf
    low, high = gamma, max(gamma, 1.0 / max(float(np.ptp(scores[still])), 1e-300))
    while cost(high) > allowed:
        low, high = high, 2.0 * high
    for _ in range(HALVINGS):
        middle = (low + high) / 2.0
        low, high = (middle, high) if cost(middle) > allowed else (low, middle)
    return high
