"""How much a log can tell about a policy: statistics of the weights, which add up."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from training.ope.log import Floats, Log
from training.ope.slates import Slates


@dataclass(frozen=True, slots=True)
class Overlap:
    """Sums over rows, each as often as the rows it stands for; ``a + b`` is both logs together."""

    rows: int
    population: float
    """Σs, s the rows that a row stands for."""
    population_squared: float
    """Σs²."""
    weight: float
    """Σs·w, w the importance of the row."""
    weight_once: float
    """Σs²·w."""
    weight_squared: float
    """Σs²·w²."""
    positive_weight: float
    """Σs·w of positive rows."""
    positive_weight_squared: float
    """Σs²·w² of positive rows."""

    @staticmethod
    def of(log: Log) -> Overlap:
        """The overlap of a log with the policy under judgement."""
        return _summed(log.importance, log.positive.astype(np.float64), log.stands_for)

    @staticmethod
    def of_slates(slates: Slates) -> Overlap:
        """That of whole slates; positive is a slate that earned anything."""
        positive = (slates.reward.sum(axis=1) > 0).astype(np.float64)
        return _summed(slates.cumulated()[:, -1], positive, np.ones(len(positive)))

    def __add__(self, other: Overlap) -> Overlap:
        """Both together."""
        return Overlap(*(getattr(self, each.name) + getattr(other, each.name) for each in fields(self)))

    @property
    def mean_weight(self) -> float | None:
        """Near 1 when the logged probabilities are the true ones and reach all that the policy does."""
        return self.weight / self.population if self.rows else None

    @property
    def off_by(self) -> float | None:
        """How many standard errors the mean weight lies from 1; None below two rows."""
        mean = self.mean_weight
        if mean is None or self.rows < 2:
            return None
        squares = self.weight_squared - 2.0 * mean * self.weight_once + mean**2 * self.population_squared
        error = np.sqrt(max(squares, 0.0) * self.rows / (self.rows - 1)) / self.population
        if error < 1e-12:
            return 0.0 if abs(mean - 1.0) < 1e-9 else float("inf")
        return float((mean - 1.0) / error)

    @property
    def effective_sample(self) -> float:
        """(Σw)² / Σw²: as many rows drawn by the policy itself would tell as much (Kish, *Survey Sampling*, 1965)."""
        return _effective(self.weight, self.weight_squared)

    @property
    def matched_positives(self) -> float:
        """The same of positive rows: for a policy without chance, how many of them chose what it would choose."""
        return _effective(self.positive_weight, self.positive_weight_squared)


def _effective(total: float, squares: float) -> float:
    return total**2 / squares if squares > 0 else 0.0


def _summed(importance: Floats, positive: Floats, stands_for: Floats) -> Overlap:
    weight = stands_for * importance
    of_positive = weight * positive
    sums = (stands_for, stands_for**2, weight, stands_for * weight, weight**2, of_positive, of_positive**2)
    return Overlap(len(weight), *(float(each.sum()) for each in sums))
