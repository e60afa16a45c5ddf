"""Whole rows scored, each for itself."""

from __future__ import annotations

from serving.trees.kernels.answers import narrow, padded, read
from serving.trees.kernels.compiled import compiled
from serving.trees.kernels.leaf import FULL, add_leaves

BLOCK = 64
"""Rows that are scored together: their values and masks stay in the nearest cache."""


@compiled
def score_rows(q, leaves, leaf_starts, x, values, masks, every, some, sums, target, out):
    """Raw scores of whole rows, block by block; ``q`` has one group with every column; ``x`` has the values of
    a column side by side.

    Room for one block: ``values`` of all readings, ``masks``, ``sums``; ``every`` and ``some`` by row of
    the questions; ``target`` is 0.
    """
    for start in range(0, len(out), BLOCK):
        n = min(BLOCK, len(out) - start)
        lanes = padded(n)
        read(q, 0, x, start, len(out), n, lanes, values, 0)
        sums[:] = 0.0
        for tree in range(len(leaf_starts)):
            row = q.rows[tree]
            if row < 0:
                for k in range(lanes):
                    sums[k] += leaves[leaf_starts[tree]]
            else:
                narrow(q, row, values, lanes, masks, 0, every, some)
                add_leaves(masks, 0, lanes, FULL, leaves, leaf_starts[tree], sums, target, 1)
        for k in range(n):
            out[start + k] = sums[k]
