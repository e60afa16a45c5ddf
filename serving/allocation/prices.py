"""What one unit of each scarce resource is worth, so that it goes where it gains most (Lagrangian duality).

Prices of a seeded sample come first. They settle the choice of nearly everybody; the programme is then solved again
over those whose choice is close, with what the others leave, until the bound certifies the prices.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from serving.allocation.demand import Demand, Floats, Indices
from serving.allocation.fill import fill
from serving.allocation.programme import optimum

SAMPLE = 2_000
CLOSE = 2_000
ROUNDS = 6
GAP = 0.001
"""Distance from the bound, as a share of it, at which prices are good enough."""


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
    found = _tried(demand, _sampled(demand, seed))
    bound = found.bound
    for _ in range(ROUNDS):
        if found.gap <= GAP:
            break
        again = _tried(demand, _settled(demand, found.prices))
        bound = min(bound, again.bound)
        if again.worth <= found.worth:
            break
        found = again
    return Priced(found.prices, found.choices, found.worth, bound)


def _tried(demand: Demand, prices: Floats) -> Priced:
    choices = fill(demand, prices, np.argsort(-demand.regrets(prices), kind="stable"))
    return Priced(prices, choices, demand.worth(choices), demand.bound(prices))


def _sampled(demand: Demand, seed: int) -> Floats:
    n = len(demand.scores)
    if n <= SAMPLE:
        return optimum(demand)[1]
    rows = np.sort(np.random.default_rng(seed).choice(n, SAMPLE, replace=False))
    return optimum(demand.part(rows, demand.limits * (SAMPLE / n)))[1]


def _settled(demand: Demand, prices: Floats) -> Floats:
    """Prices over those whose choice is close, with what the choices of the others leave."""
    regrets = demand.regrets(prices)
    rows = np.sort(np.argsort(regrets, kind="stable")[:CLOSE])
    settled = np.ones(len(regrets), dtype=np.bool_)
    settled[rows] = False
    charges, used = demand.charges(prices), np.zeros(len(demand.limits))
    for where, block in demand.blocks():
        net = (block - charges)[settled[where]]
        if net.size:
            best = net.argmax(axis=1)
            used += demand.uses[best[net[np.arange(len(net)), best] > 0]].sum(axis=0)
    return optimum(demand.part(rows, np.maximum(demand.limits - used, 0.0)))[1]
