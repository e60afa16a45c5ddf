"""What each logged row adds to an estimate."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.ope.log import Floats


@dataclass(frozen=True, slots=True)
class Terms:
    """Rows of an estimate of the form Σₚ (Σᵢ numeratorᵢₚ / Σᵢ denominatorᵢₚ).

    A plain mean has one part with denominator 1; a self-normalised one has its weights there; a slate has one part for
    every place; a difference of two policies has the parts of both, those of the second negative.
    """

    customer: NDArray[np.generic]
    """``[n]``; rows of one customer are kept together."""
    numerator: Floats
    """``[n, p]``."""
    denominator: Floats
    """``[n, p]``."""

    @staticmethod
    def mean(customer: NDArray[np.generic], values: Floats, stands_for: Floats) -> Terms:
        """The mean of values ``[n]`` over the population that the rows stand for."""
        return Terms(customer, (values * stands_for)[:, None], stands_for[:, None])


def gain(challenger: Terms, champion: Terms) -> Terms:
    """How much more the challenger earns, on the same rows: what both owe to the same luck cancels."""
    return Terms(
        challenger.customer,
        np.hstack([challenger.numerator, -champion.numerator]),
        np.hstack([challenger.denominator, champion.denominator]),
    )
