"""Sufficient statistics of an estimate: they add up over shards, over days, over machines."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from training.ope.log import Floats, OpeError
from training.ope.terms import Terms


@dataclass(frozen=True, slots=True, eq=False)
class Ratios:
    """Totals and second moments of the customers' sums, enough for the value and its clustered standard error.

    The error is that of the linearised sum of ratios (Taylor; Cochran, *Sampling Techniques*, 1977, ch. 6), with the
    customers as clusters (Liang & Zeger, *Biometrika* 1986) and the factor k / (k − 1) for k customers.
    """

    customers: int
    totals: Floats
    """Sums of numerators, then of denominators, ``[2p]``."""
    seconds: Floats
    """Σ over customers of the outer product of the customer's own sums, ``[2p, 2p]``."""

    @staticmethod
    def of(terms: Terms) -> Ratios:
        """The statistics of these rows."""
        _, code = np.unique(terms.customer, return_inverse=True)
        n = int(code.max()) + 1 if len(code) else 0
        rows = np.hstack([terms.numerator, terms.denominator])
        sums: Floats = np.array(
            [np.bincount(code, weights=column, minlength=n) for column in rows.T], dtype=np.float64
        ).T
        return Ratios(n, sums.sum(axis=0), sums.T @ sums)

    def __add__(self, other: Ratios) -> Ratios:
        """Both together. Exact where no customer stands in both: shard by customer."""
        if self.totals.shape != other.totals.shape:
            raise OpeError("statistics of two different estimators do not add up")
        return Ratios(self.customers + other.customers, self.totals + other.totals, self.seconds + other.seconds)

    @property
    def value(self) -> float | None:
        """The estimate; None where a denominator is 0: nothing is known of this policy."""
        above, below = np.split(self.totals, 2)
        return float((above / below).sum()) if bool((below != 0).all()) else None

    @property
    def standard_error(self) -> float | None:
        """Clustered standard error; None below two customers or without a value."""
        if self.customers < 2 or self.value is None:
            return None
        above, below = np.split(self.totals, 2)
        gradient = np.concatenate([1.0 / below, -above / below**2])
        variance = float(gradient @ self.seconds @ gradient) * self.customers / (self.customers - 1)
        return float(np.sqrt(max(variance, 0.0)))
