"""How much of the modelled value exploration may give up, and the sharpness that keeps to it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from serving.explore import Floats, Mask, inverse_gap

STEPS = 100
MARGIN = 1e-9
"""Share of what is allowed that is left for rounding."""


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
    opened = scores[still]
    everything = np.ones(len(opened), dtype=np.bool_)

    def cost(sharp: float) -> float:
        return given_up(opened, inverse_gap(opened, everything, sharp, best, floor))

    if cost(gamma) <= allowed:
        return gamma
    least = cost(math.inf)
    if least >= allowed:
        return math.inf
    ordered = np.sort(opened)[::-1][:best]
    gaps = [gap for gap in (ordered[0] - ordered).tolist() if gap > 0]
    # What the floor gives up does not depend on the sharpness; a little less is allowed, for rounding.
    sharp = _solved(gaps, len(ordered), (allowed - least) * (1.0 - MARGIN) / (1.0 - floor), gamma)
    step = MARGIN
    while cost(sharp) > allowed:
        sharp, step = math.nextafter(sharp * (1.0 + step), math.inf), 2.0 * step
    return sharp


def _solved(gaps: Sequence[float], count: int, wanted: float, gamma: float) -> float:
    """Where Σ gap / (count + γ·gap) is ``wanted``, by Newton's method: convex and falling, so that it comes from below.

    ``gamma`` is not above it.
    """
    for _ in range(STEPS):
        terms = [gap / (count + gamma * gap) for gap in gaps]
        falls = sum(term * term for term in terms)
        if falls == 0.0:  # gaps below what can be squared
            break
        step = (sum(terms) - wanted) / falls
        gamma += step
        if step <= 1e-12 * gamma:
            break
    return gamma
