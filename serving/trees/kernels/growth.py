"""Trees added to the sums of what they still depend on."""

from __future__ import annotations

from serving.trees.kernels.cells import look, put
from serving.trees.kernels.compiled import compiled, inlined
from serving.trees.kernels.leaf import FULL, ONE, add_leaves, lowest
from serving.trees.kernels.reach import alike, reach_right, reached, telling, tells
from serving.trees.kernels.sieve import keep_looked_up
from serving.trees.kernels.tables import LEFT


@inlined
def build_left(q, layout, left, room, tree, n_needed, still):
    """Into room.built the leaves left at each place on the left by the groups needed, and where needed static tests."""
    n_left, n_trees = layout.sizes[0], len(left.rows)
    start = left.rows[tree] * n_left
    for k in range(n_left):
        put(room.built, k, look(left.masks, start, k) if still else FULL)
    for i in range(n_needed):
        group = room.needed[i]
        start = layout.origin[group] + q.rows[group * n_trees + tree] * layout.lanes[group]
        keep_looked_up(room.built, n_left, room.masks, start, layout.keys, layout.key_start[group])


@inlined
def add_built(layout, room, tree, n, base):
    """Add the leaves of room.built[:n], with those in reach from each place on the right, to the sums from base on."""
    n_right = layout.sizes[1]
    for d in range(alike(room, n_right)):
        n_targets = 0
        for c in range(n_right):
            room.targets[n_targets] = base + c * n
            n_targets += room.owner[c] == d
        if n_targets == n_right:
            room.targets[0], n_targets = base + n_right * n, 1
        first = layout.leaf_start[tree]
        add_leaves(room.built, n, room.distinct[d], layout.leaves, first, room.sums, room.targets, n_targets)


@inlined
def add_tree(q, layout, left, right, room, tree, reach):
    """Add one tree to the sums of what it still depends on: places on the right, keys of one group, or the grid."""
    reach_right(q, layout, right, room, tree, reach)
    still = tells(left, tree, reach)
    n_needed = telling(q, layout, room, tree, len(left.rows), LEFT, reach)
    if not still and n_needed == 0:
        for c in range(layout.sizes[1]):
            room.fixed[c] += layout.leaves[layout.leaf_start[tree] + lowest(room.reaches[c])]
    elif not still and n_needed == 1:
        group = room.needed[0]
        lanes = layout.lanes[group]
        start = layout.origin[group] + q.rows[group * len(left.rows) + tree] * lanes
        for k in range(lanes):
            put(room.built, k, look(room.masks, start, k))
        add_built(layout, room, tree, lanes, layout.sum_start[group])
    else:
        build_left(q, layout, left, room, tree, n_needed, still)
        add_built(layout, room, tree, layout.sizes[0], layout.sum_start[0])


@compiled
def add_trees(q, layout, left, right, room, forest):
    """Add the trees of a forest to the sums by cell of the grid, by key, and by place on the right."""
    same = 0.0
    for tree in range(layout.forest_start[forest], layout.forest_start[forest + 1]):
        reach = reached(q, left, right, room.some, tree)
        if reach & (reach - ONE) == 0 or layout.single[tree]:
            same += layout.leaves[layout.leaf_start[tree] + lowest(reach)]
        else:
            add_tree(q, layout, left, right, room, tree, reach)
    for c in range(layout.sizes[1]):
        room.fixed[c] += same
