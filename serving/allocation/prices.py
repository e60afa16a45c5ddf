"""What one unit of each scarce resource is worth, so that it goes where it gains most (Lagrangian duality).

Prices of a seeded sample come first: near them, hardly any option of a large audience comes into question, so that the
programme over everybody is small. Its bound says how far an allocation by the prices can be from the best one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from serving.allocation.demand import Demand, Floats, Indices
from serving.allocation.fill import fill
from serving.allocation.programme import optimum

SAMPLE = 2_000
WITHIN = 1e-4
"""Distance from the optimum, as a share of it, at which prices are good enough."""


@dataclass(frozen=True)
class Priced:
    """Prices with what they promise."""

    prices: Floats
    """Minor units per unit of each resource, ``[n_resources]``; 0 where there is enough for all."""
    choices: Indices
    """An allocation by these prices that keeps every limit, ``[n_customers]``."""
    worth: float
    """What that allocation is worth."""
    bound: float
    """What no allocation can exceed."""

    @property
    def gap(self) -> float:
        """How far the allocation may be from the best one, as a share of the bound."""
        return (self.bound - self.worth) / self.bound if self.bound > 0 else 0.0


def price(demand: Demand, seed: int) -> Priced:
    """Prices for an audience; without customers or scarcity they are 0."""
    prices = optimum(demand, _sampled(demand, seed), WITHIN)[1]
    choices = fill(demand, prices, np.argsort(-demand.regrets(prices), kind="stable"))
    return Priced(prices, choices, demand.worth(choices), demand.bound(prices))


def _sampled(demand: Demand, seed: int) -> Floats | None:
    n = len(demand.scores)
    if n <= SAMPLE:
        return None
    rows = np.sort(np.random.default_rng(seed).choice(n, SAMPLE, replace=False))
    return optimum(demand.part(rows, demand.limits * (SAMPLE / n)), None, WITHIN)[1]
