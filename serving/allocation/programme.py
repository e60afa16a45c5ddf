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
from serving.allocation.demand import Demand, Floats

BEGIN = 3
"""Options of each customer with which the programme begins."""
TOLERANCE = 1e-7
Mask = NDArray[np.bool_]


def optimum(demand: Demand) -> tuple[float, Floats]:
    """What the best allocation is worth where customers can be divided, and the price of one unit of each resource.

    Raises:
        KairosError: HiGHS found no solution; with limits and uses that are not negative there is one.
    """
    scores = np.asarray(demand.scores, dtype=np.float64)
    worthy = scores > 0
    if not worthy.any():
        return 0.0, np.zeros(len(demand.limits))
    rank = np.argsort(np.argsort(-scores, axis=1, kind="stable"), axis=1, kind="stable")
    inside = worthy & (rank < BEGIN)
    while True:
        worth, prices, rents = _solved(demand, scores, inside)
        gains = np.where(worthy & ~inside, scores - demand.charges(prices) - rents[:, None], -np.inf)
        best = gains.argmax(axis=1)
        better = np.flatnonzero(gains[np.arange(len(gains)), best] > TOLERANCE * max(1.0, worth / len(scores)))
        if not len(better):
            return worth, prices
        inside[better, best[better]] = True


def _solved(demand: Demand, scores: Floats, inside: Mask) -> tuple[float, Floats, Floats]:
    """Worth, prices ``[n_resources]`` and what is left to each customer ``[n_customers]``, over the options inside."""
    customers, options = np.nonzero(inside)
    scarce = np.flatnonzero(np.isfinite(demand.limits))
    uses = demand.uses[options][:, scarce]
    columns, resources = np.nonzero(uses)
    n, m = len(scores), len(customers)
    table = csr_matrix(
        (
            np.concatenate([np.ones(m), uses[columns, resources]]),
            (np.concatenate([customers, n + resources]), np.concatenate([np.arange(m), columns])),
        ),
        shape=(n + len(scarce), m),
    )
    limits = np.concatenate([np.ones(n), demand.limits[scarce]])
    found = linprog(-scores[customers, options], A_ub=table, b_ub=limits, method="highs-ds")
    if found.status != 0:
        raise KairosError(f"the allocation could not be solved ({found.message}): check limits and scores")
    duals = np.maximum(-found.ineqlin.marginals, 0.0)
    prices = np.zeros(len(demand.limits))
    prices[scarce] = duals[n:]
    return -float(found.fun), prices, duals[:n]
