"""What it is worth to know who gets which, at fixed volume: the same number of each arm, only other customers.

Judged on a log with known probabilities: for each arm, the mean outcome of those who would get it and did get it,
against that of all who got it, weighted by how often the arm is used (stratified self-normalised IPS; Hájek 1971).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.ope.log import Floats
from training.ope.ratios import Ratios
from training.ope.terms import Terms
from training.resampling import Interval, drawn_sums, interval
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
        if self.value is None or self.base is None:
            return None
        chosen, shuffled = self.drawn(n_draws=n_draws, seed=seed)
        return interval(self.value - self.base, chosen - shuffled)

    def relative(self, *, n_draws: int = 1_000, seed: int = 0) -> Interval | None:
        """The gain as a share of the outcome by chance."""
        if self.value is None or self.base is None:
            return None
        chosen, shuffled = self.drawn(n_draws=n_draws, seed=seed)
        return interval(self.value / self.base - 1.0, chosen / shuffled - 1.0)

    def above(self, other: FixedVolume, *, n_draws: int = 1_000, seed: int = 0) -> Interval | None:
        """How much larger the relative gain is than that of another score on the same rows, in pairs."""
        if self.value is None or self.base is None or other.value is None or other.base is None:
            return None
        drawn = [chosen / shuffled for chosen, shuffled in (f.drawn(n_draws=n_draws, seed=seed) for f in (self, other))]
        return interval(self.value / self.base - other.value / other.base, drawn[0] - drawn[1])

    def drawn(self, *, n_draws: int, seed: int) -> tuple[Floats, Floats]:
        """Mean outcome by score and by chance in draws of customers, ``[n_draws]`` each."""
        both = (self.chosen.numerator, self.chosen.denominator, self.shuffled.numerator, self.shuffled.denominator)
        sums = drawn_sums(self.chosen.customer, np.hstack(both), n_draws=n_draws, seed=seed)
        with np.errstate(divide="ignore", invalid="ignore"):
            above, below, above_by_chance, below_by_chance = np.split(sums, 4, axis=1)
            return (above / below).sum(axis=1), (above_by_chance / below_by_chance).sum(axis=1)


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
