"""The linear programme of an allocation, solved by HiGHS. SciPy stands here and nowhere else in serving.

Most options of most customers are never chosen, so the programme begins with few of them and takes in, for each
customer, the one that the prices found so far show to be better than what the customer has, until there is none
(column generation). It then is the optimum over all options.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linprog
from scipy.sparse import csr_matrix

from features.errors import KairosError
from serving.allocation.demand import Demand, Floats, Indices

BEGIN = 3
"""Options of each customer with which the programme begins."""
EXACT = 1e-12
"""Distance from the bound, as a share of it, at which the optimum counts as found."""
NEAR = 0.5
"""How far below the best choice an option may be at the first prices to be taken in, in mean gains of the served."""
Columns = NDArray[np.int64]
"""Rows: customer and option, ``[2, n_columns]``."""


def optimum(demand: Demand, at_first: Floats | None = None, within: float = EXACT) -> tuple[float, Floats]:
    """What the best allocation is worth where customers can be divided, and the price of one unit of each resource.

    Args:
        at_first: Prices that are believed to be nearly right, ``[n_resources]``; None: nothing is known of them.
        within: Distance from the optimum, as a share of it, that will do.

    Raises:
        KairosError: HiGHS found no solution; with limits and uses that are not negative there is one.
    """
    prices = np.zeros(len(demand.limits)) if at_first is None else at_first
    columns = _first(demand, prices, known=at_first is not None)
    while columns.size:
        worth, prices, rents = _solved(demand, columns)
        more, bound = _better(demand, prices, rents)
        if not more.size or bound - worth <= within * bound:
            return worth, prices
        columns = np.hstack([columns, more])
    return 0.0, np.zeros(len(demand.limits))


def _first(demand: Demand, prices: Floats, known: bool) -> Columns:
    """The options to begin with: those of the highest scores, or where prices are known, those near the best choice."""
    charges, found = demand.charges(prices), list[Columns]()
    gains = [np.maximum((block - charges).max(axis=1, initial=0.0), 0.0) for _, block in demand.blocks()]
    served = np.concatenate([np.empty(0), *gains])
    near = NEAR * served[served > 0].mean() if known and (served > 0).any() else np.inf
    for (rows, block), best in zip(demand.blocks(), gains, strict=True):
        net = np.where(block > 0, block - charges, -np.inf)
        rank = np.argsort(np.argsort(-net, axis=1, kind="stable"), axis=1, kind="stable")
        customers, options = np.nonzero((rank < BEGIN) & (net > -np.inf) & (net >= best[:, None] - near))
        found.append(np.stack([customers + rows.start, options]))
    return np.hstack([np.empty((2, 0), dtype=np.int64), *found])


def _better(demand: Demand, prices: Floats, rents: Floats) -> tuple[Columns, float]:
    """For each customer the option that is better than what the customer has, and the bound at these prices."""
    charges, found = demand.charges(prices), list[Columns]()
    tolerance = 1e-9 * max(1.0, float(np.abs(rents).max(initial=0.0)))
    scarce = np.isfinite(demand.limits)
    bound = float(prices[scarce] @ demand.limits[scarce])
    for rows, block in demand.blocks():
        net = np.where(block > 0, block - charges, -np.inf)
        best = net.argmax(axis=1)
        top = net[np.arange(len(net)), best]
        bound += float(np.maximum(top, 0.0).sum())
        better = np.flatnonzero(top > np.maximum(rents[rows], 0.0) + tolerance)
        found.append(np.stack([better + rows.start, best[better]]))
    return np.hstack([np.empty((2, 0), dtype=np.int64), *found]), bound


def _solved(demand: Demand, columns: Columns) -> tuple[float, Floats, Floats]:
    """Worth, prices ``[n_resources]`` and what is left to each customer ``[n_customers]``, over these options."""
    customers, options = columns
    members, rows = np.unique(customers, return_inverse=True)
    scarce = np.flatnonzero(np.isfinite(demand.limits))
    uses = demand.uses[options][:, scarce]
    places, resources = np.nonzero(uses)
    n, m = len(members), len(customers)
    table = csr_matrix(
        (
            np.concatenate([np.ones(m), uses[places, resources]]),
            (np.concatenate([rows, n + resources]), np.concatenate([np.arange(m), places])),
        ),
        shape=(n + len(scarce), m),
    )
    limits = np.concatenate([np.ones(n), demand.limits[scarce]])
    scores = _scores(demand, customers, options)
    found = linprog(-scores, A_ub=table, b_ub=limits, method="highs-ds")
    if found.status != 0:
        raise KairosError(f"the allocation could not be solved ({found.message}): check limits and scores")
    duals = np.maximum(-found.ineqlin.marginals, 0.0)
    prices, rents = np.zeros(len(demand.limits)), np.zeros(len(demand.scores))
    prices[scarce], rents[members] = duals[n:], duals[:n]
    return -float(found.fun), prices, rents


def _scores(demand: Demand, customers: Indices, options: Indices) -> Floats:
    found: Floats = np.asarray(demand.scores[customers, options], dtype=np.float64)
    return found
