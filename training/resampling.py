"""Bootstrap over customers: rows of one customer are drawn together, and all contenders on the same draws."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
LEVEL = 0.95


@dataclass(frozen=True)
class Interval:
    """A value with the bounds between which LEVEL of the draws lie."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


class Draws:
    """How often each row's customer was drawn, in each of ``n_draws`` draws with replacement."""

    def __init__(self, customers: NDArray[Any], *, n_draws: int, seed: int) -> None:
        _, self._customer = np.unique(customers, return_inverse=True)
        self._n = int(self._customer.max()) + 1 if len(customers) else 0
        rng = np.random.default_rng(seed)
        draws = rng.integers(0, self._n, size=(n_draws, self._n)) if self._n else np.zeros((n_draws, 0), dtype=np.intp)
        self._times = np.stack([np.bincount(draw, minlength=self._n) for draw in draws]).astype(np.float64)

    def __iter__(self) -> Iterator[Floats]:
        """The times each row was drawn, ``[n_rows]``, draw by draw."""
        return (times[self._customer] for times in self._times)

    def sums(self, values: Floats) -> Floats:
        """The sum of ``values`` ``[n_rows]`` in every draw, ``[n_draws]``."""
        return self._times @ np.bincount(self._customer, weights=values, minlength=self._n)


def drawn_sums(customers: NDArray[Any], columns: Floats, *, n_draws: int, seed: int) -> Floats:
    """Sums of columns ``[n_rows, p]`` in draws of as many customers, ``[n_draws, p]``; keeps one draw at a time."""
    _, code = np.unique(customers, return_inverse=True)
    n = int(code.max()) + 1 if len(code) else 0
    of_customer = np.stack([np.bincount(code, weights=column, minlength=n) for column in columns.T], axis=1)
    rng, found = np.random.default_rng(seed), np.zeros((n_draws, columns.shape[1]))
    for i in range(n_draws if n else 0):
        found[i] = np.bincount(rng.integers(0, n, n), minlength=n).astype(np.float64) @ of_customer
    return found


def interval(value: float, draws: Floats) -> Interval:
    """The value with percentile bounds from its draws; NaN bounds where no draw has a value."""
    known = draws[np.isfinite(draws)]
    if not len(known):
        return Interval(value, float("nan"), float("nan"))
    low, high = np.quantile(known, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(value, float(low), float(high))
