"""Grants in an order: each customer takes the best choice at the prices that what is left still allows."""

from __future__ import annotations

import numpy as np

from serving.allocation.demand import SILENT, Demand, Floats, Indices

SHAVED = 1e-6
"""Share by which prices are lowered before use: at exact ones the last who should be served are indifferent to silence,
and scores that were kept as float32 may fall short of them."""


def usable(prices: Floats) -> Floats:
    """Prices as they are to be used."""
    return prices * (1.0 - SHAVED)


def fill(demand: Demand, prices: Floats, order: Indices) -> Indices:
    """An allocation that keeps every limit: options or SILENT, ``[n_customers]``.

    Args:
        demand: Who could be offered what.
        prices: Price of one unit of each resource, ``[n_resources]``; zeros for none.
        order: The customers in the order in which they are served. By falling regret, those come last who hardly care.
    """
    charges = demand.charges(usable(prices))
    left, choices = demand.limits.copy(), np.full(len(demand.scores), SILENT, dtype=np.int64)
    fits = (demand.uses <= left).all(axis=1)
    for customer in order:
        net = np.where(fits, demand.scores[customer] - charges, -np.inf)
        best = int(net.argmax()) if len(net) else SILENT
        if best != SILENT and net[best] > 0:
            choices[customer] = best
            left -= demand.uses[best]
            fits = (demand.uses <= left).all(axis=1)
    return choices
