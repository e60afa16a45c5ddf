"""The leaves of a tree that pairs of a request may still reach, and what tells them apart."""

from __future__ import annotations

import numpy as np

from serving.trees.kernels.answers import padded
from serving.trees.kernels.compiled import inlined
from serving.trees.kernels.leaf import FULL
from serving.trees.kernels.tables import RIGHT


@inlined
def reached(q, left, right, some, tree):
    """The leaves of a tree that some pair may reach."""
    reach = FULL
    for group in range(len(q.n_columns)):
        row = q.rows[group * len(left.rows) + tree]
        if row >= 0:
            reach &= some[row]
    if left.rows[tree] >= 0:
        reach &= left.some[left.rows[tree]]
    if right.rows[tree] >= 0:
        reach &= right.some[right.rows[tree]]
    return reach


@inlined
def telling(q, layout, room, tree, n_trees, side, reach):
    """Into room.needed the groups of one side that tell apart leaves in reach; their number."""
    n = 0
    for group in range(1, len(layout.side)):
        row = q.rows[group * n_trees + tree]
        if layout.side[group] == side and row >= 0 and reach & ~room.every[row] != 0:
            room.needed[n] = group
            n += 1
    return n


@inlined
def tells(still, tree, reach):
    """Whether the static tests of one side tell apart leaves in reach."""
    row = still.rows[tree]
    return row >= 0 and reach & ~still.every[row] != 0


@inlined
def reach_right(q, layout, right, room, tree, reach):
    """Into room.reaches the leaves in reach from each place on the right."""
    n_right, n_trees = layout.sizes[1], len(right.rows)
    for c in range(n_right):
        room.reaches[c] = reach
    for i in range(telling(q, layout, room, tree, n_trees, RIGHT, reach)):
        group = room.needed[i]
        start = layout.origin[group] + q.rows[group * n_trees + tree] * layout.lanes[group]
        key = layout.key_start[group]
        for c in range(n_right):
            room.reaches[c] &= np.uint64(room.masks[start + layout.keys[key + c]])
    if tells(right, tree, reach):
        start = right.rows[tree] * padded(n_right)
        for c in range(n_right):
            room.reaches[c] &= np.uint64(right.masks[start + c])


@inlined
def alike(room, n_right):
    """Into room.distinct the different leaves in reach, into room.owner which of them each place has; their number."""
    n = 0
    for c in range(n_right):
        d = n
        for known in range(n):
            d = known if room.distinct[known] == room.reaches[c] else d
        room.distinct[d] = room.reaches[c]
        room.owner[c] = d
        n += d == n
    return n
