"""The interval by resampling customers (Efron, *Annals of Statistics* 1979; all rows of a customer together)."""

from __future__ import annotations

import numpy as np

from training.ope.ratios import Ratios
from training.ope.terms import Terms
from training.resampling import Draws, Interval


def bootstrap(terms: Terms, *, n_draws: int, seed: int, alpha: float = 0.05) -> Interval | None:
    """Percentiles over ``n_draws`` draws of as many customers; None where the estimate has no value."""
    value = Ratios.of(terms).value
    if value is None:
        return None
    draws = Draws(terms.customer, n_draws=n_draws, seed=seed)
    with np.errstate(divide="ignore", invalid="ignore"):
        parts = [
            draws.sums(above) / draws.sums(below)
            for above, below in zip(terms.numerator.T, terms.denominator.T, strict=True)
        ]
    drawn = np.sum(parts, axis=0)
    known = drawn[np.isfinite(drawn)]
    if not len(known):
        return None
    low, high = np.quantile(known, [alpha / 2, 1 - alpha / 2])
    return Interval(value, float(low), float(high))
