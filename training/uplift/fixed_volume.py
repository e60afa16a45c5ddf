"""What it is worth to know who gets which, at fixed volume: the same number of each arm, only other customers.

Judged on a log with known probabilities: for each arm, the mean outcome of those who would get it and did get it,
against that of all who got it, weighted by how often the arm is used (stratified self-normalised IPS; Hájek 1971).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.ope.bootstrap import bootstrap
from training.ope.log import Floats
from training.ope.ratios import Ratios
from training.ope.terms import Terms, gain
from training.resampling import Draws, Interval
from training.uplift.volume import Index, assign


@dataclass(frozen=True, slots=True, eq=False)
class FixedVolume:
    """The same rows under both ways of giving arms to customers."""

    chosen: Terms
    """Arms given by score."""
    shuffled: Terms
    """Arms given by chance, as often."""

    @property
    def value(self) -> float | None:
        """Mean outcome by score."""
        return Ratios.of(self.chosen).value

    @property
    def base(self) -> float | None:
        """Mean outcome by chance."""
        return Ratios.of(self.shuffled).value

    def gain(self, *, n_draws: int = 1_000, seed: int = 0) -> Interval | None:
        """Outcome gained per customer, bootstrapped over customers; None where an arm has no match."""
        return bootstrap(gain(self.chosen, self.shuffled), n_draws=n_draws, seed=seed)

    def relative(self, *, n_draws: int = 1_000, seed: int = 0) -> Interval | None:
        """The gain as a share of the outcome by chance."""
        if self.value is None or self.base is None:
            return None
        draws = Draws(self.chosen.customer, n_draws=n_draws, seed=seed)
        drawn = _drawn(self.chosen, draws) / _drawn(self.shuffled, draws) - 1.0
        low, high = np.nanquantile(drawn, [0.025, 0.975])
        return Interval(self.value / self.base - 1.0, float(low), float(high))


def _drawn(terms: Terms, draws: Draws) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        parts = [draws.sums(a) / draws.sums(b) for a, b in zip(terms.numerator.T, terms.denominator.T, strict=True)]
    drawn: Floats = np.sum(parts, axis=0)
    return drawn


def fixed_volume(
    customer: NDArray[np.generic], scores: Floats, arm: Index, probability: Floats, outcome: Floats
) -> FixedVolume:
    """Give the arms that were used to other customers, by score, and see what that is worth.

    Args:
        customer: Whose row it is, ``[n]``.
        scores: Of every arm, silence among them, ``[n, arms]``; they must not have seen these rows.
        arm: The arm that was used, ``[n]``.
        probability: With which it was, ``[n]``.
        outcome: What came of it, ``[n]``.
    """
    counts = np.bincount(arm, minlength=scores.shape[1])
    given, used = assign(scores, counts), counts / len(arm)
    matched = arm[:, None] == np.arange(scores.shape[1])
    weight = matched / probability[:, None]
    # An arm that was never used has nothing to be compared; it is given to nobody either.
    keep = counts > 0
    by_score = weight * (given[:, None] == np.arange(scores.shape[1]))
    both = [Terms(customer, (w * outcome[:, None] * used)[:, keep], w[:, keep]) for w in (by_score, weight)]
    return FixedVolume(*both)
