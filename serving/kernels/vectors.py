"""The vectors of pairs, put together."""

from __future__ import annotations

import numpy as np

from serving.trees.kernels.compiled import reckoned


@reckoned
def gather(flat, still, plan, keys, places, out):
    """The vectors of some pairs, put together from what they are made of.

    Args:
        flat: float64 ``[n]``, what is computed for one customer.
        still: float32 ``[n_pairs, n_still]``, what no customer changes.
        plan: int64 ``[n_columns, 3]``: where a column begins in ``flat``, how far from one key to the next, and the row
            of ``keys`` that tells the key. A column of ``still`` has −1 in the last place, and its number in the first.
        keys: int64 ``[n_groups, n_pairs]``.
        places: int64 ``[n]``, of the pairs.
        out: float32 ``[n, n_columns]``, written.
    """
    for i in range(len(places)):
        pair = places[i]
        for column in range(len(plan)):
            start, apart, group = plan[column, 0], plan[column, 1], plan[column, 2]
            out[i, column] = still[pair, start] if group < 0 else np.float32(flat[start + apart * keys[group, pair]])
