"""The interval for one look: value ± z · clustered standard error."""

from __future__ import annotations

from statistics import NormalDist

from training.ope.ratios import Ratios
from training.resampling import Interval


def wald(ratios: Ratios, alpha: float = 0.05) -> Interval | None:
    """The interval that misses the truth with probability ``alpha``; None where the error is not known.

    For one look only: who looks daily and stops at a difference is wrong far more often.
    """
    value, error = ratios.value, ratios.standard_error
    if value is None or error is None:
        return None
    half = NormalDist().inv_cdf(1 - alpha / 2) * error
    return Interval(value, value - half, value + half)
