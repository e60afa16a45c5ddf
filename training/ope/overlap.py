"""How much a log can tell about a policy: statistics of the weights, which add up."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from training.ope.log import Floats, Log
from training.ope.slates import Slates


@dataclass(frozen=True, slots=True)
class Overlap:
    """Sums over rows; ``a + b`` is both logs together."""

    rows: int
    weight: float
    weight_squared: float
    positive_weight: float
    positive_weight_squared: float
    largest: float

    @staticmethod
    def of(log: Log) -> Overlap:
        """The overlap of a log with the policy under judgement."""
        return _summed(log.importance, log.positive.astype(np.float64))

    @staticmethod
    def of_slates(slates: Slates) -> Overlap:
        """That of whole slates; positive is a slate that earned anything."""
        return _summed(slates.cumulated()[:, -1], (slates.reward.sum(axis=1) > 0).astype(np.float64))

    def __add__(self, other: Overlap) -> Overlap:
        """Both together."""
        return Overlap(
            self.rows + other.rows,
            self.weight + other.weight,
            self.weight_squared + other.weight_squared,
            self.positive_weight + other.positive_weight,
            self.positive_weight_squared + other.positive_weight_squared,
            max(self.largest, other.largest),
        )

    @property
    def mean_weight(self) -> float | None:
        """Near 1 when the logged probabilities are the true ones and reach all that the policy does."""
        return self.weight / self.rows if self.rows else None

    @property
    def off_by(self) -> float | None:
        """How many standard errors the mean weight lies from 1; None below two rows."""
        if self.rows < 2:
            return None
        mean = self.weight / self.rows
        error = np.sqrt(max(self.weight_squared / self.rows - mean**2, 0.0) / (self.rows - 1))
        if error == 0.0:
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


def _summed(weight: Floats, positive: Floats) -> Overlap:
    of_positive = weight * positive
    return Overlap(
        len(weight),
        float(weight.sum()),
        float((weight**2).sum()),
        float(of_positive.sum()),
        float((of_positive**2).sum()),
        float(weight.max(initial=0.0)),
    )
