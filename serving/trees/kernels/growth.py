"""Trees added to the sums of what they still depend on."""

from __future__ import annotations

import numpy as np

from serving.trees.kernels.cells import add, look, put
from serving.trees.kernels.compiled import compiled, inlined
from serving.trees.kernels.leaf import FULL, ONE, add_four, add_leaves, add_three, add_two, lowest
from serving.trees.kernels.reach import narrowed, reach_right, reached, sift, telling, tells
from serving.trees.kernels.sieve import keep_looked_up
from serving.trees.kernels.tables import LEFT


@inlined
def build_left(layout, left, room, tree, n_needed, still):
    """Into room.built the leaves left at each place on the left by the groups needed, and where needed static tests."""
    n_left = layout.sizes[0]
    start = left.rows[tree] * n_left
    for k in range(n_left):
        put(room.built, k, look(left.masks, start, k) if still else FULL)
    for i in range(n_needed):
        group = room.needed[i]
        start = layout.origin[group]
        keep_looked_up(room.built, n_left, room.masks, start, layout.keys, layout.key_start[group])


@inlined
def add_words(layout, room, tree, words, begin, n, base, n_distinct):
    """Add the leaves of words[begin : begin + n], with those in reach from each place on the right, to the sums from
    base on. ``n_distinct``: of room.distinct."""
    n_right, first = layout.sizes[1], layout.leaf_start[tree]
    for d in range(n_distinct):
        n_targets = 0
        for c in range(n_right):
            room.targets[n_targets] = base + c * n
            n_targets += room.owner[c] == d
        if n_distinct == 1:
            room.targets[0], n_targets = base + n_right * n, 1
        reach = room.distinct[d]
        two = reach & (reach - ONE)
        three = two & (two - ONE)
        four = three & (three - ONE)
        if two != 0 and three == 0:
            add_two(words, begin, n, reach, layout.leaves, first, room.sums, room.targets, n_targets)
        elif three != 0 and four == 0:
            add_three(words, begin, n, reach, layout.leaves, first, room.sums, room.targets, n_targets)
        elif four != 0 and four & (four - ONE) == 0:
            add_four(words, begin, n, reach, layout.leaves, first, room.sums, room.targets, n_targets)
        else:
            add_leaves(words, begin, n, reach, layout.leaves, first, room.sums, room.targets, n_targets)


@inlined
def add_step(q, layout, room, tree, reach):
    """Add a tree of which a single test is left."""
    group, test = 1, room.tests[0]
    while room.first[group + 1] == 0:
        group += 1
    first, threshold = layout.leaf_start[tree], q.threshold[test]
    passed = layout.leaves[first + lowest(reach & np.uint64(q.passed[test]))]
    failed = layout.leaves[first + lowest(reach & np.uint64(q.failed[test]))]
    n_right, lanes = layout.sizes[1], layout.lanes[group]
    seen = layout.seen[group] + q.reading[test] * lanes
    if layout.side[group] == LEFT:
        base = layout.sum_start[group] + n_right * lanes
        for k in range(lanes):
            add(room.sums, base + k, passed if look(room.values, seen, k) <= threshold else failed)
    else:
        for c in range(n_right):
            value = room.values[seen + layout.keys[layout.key_start[group] + c]]
            room.fixed[c] += passed if value <= threshold else failed


@inlined
def add_tree(layout, left, right, room, tree, reach):
    """Add one tree to the sums of what it still depends on: places on the right, keys of one group, or the grid."""
    n_distinct = reach_right(layout, right, room, tree, reach)
    still = tells(left, tree, reach)
    n_needed = telling(layout, room, LEFT, reach)
    if not still and n_needed == 0:
        for c in range(layout.sizes[1]):
            room.fixed[c] += layout.leaves[layout.leaf_start[tree] + lowest(room.reaches[c])]
        return
    words, begin, n, base = room.built, 0, layout.sizes[0], layout.sum_start[0]
    if not still and n_needed == 1:
        group = room.needed[0]
        words, begin, n, base = room.masks, layout.origin[group], layout.lanes[group], layout.sum_start[group]
    elif n_needed == 0:
        words, begin = left.masks, left.rows[tree] * n
    else:
        build_left(layout, left, room, tree, n_needed, still)
    add_words(layout, room, tree, words, begin, n, base, n_distinct)


@compiled
def add_trees(q, layout, left, right, room, forest):
    """Add the trees of a forest to the sums by cell of the grid, by key, and by place on the right."""
    same = 0.0
    for tree in range(layout.forest_start[forest], layout.forest_start[forest + 1]):
        reach = reached(q, layout, left, right, room.alone, tree)
        if reach & (reach - ONE) == 0:
            same += layout.leaves[layout.leaf_start[tree] + lowest(reach)]
            continue
        two = reach & (reach - ONE)
        three = two & (two - ONE)
        n_tests = sift(q, layout, room, tree, reach, three & (three - ONE) == 0)
        if three == 0 and n_tests == 1 and not tells(left, tree, reach) and not tells(right, tree, reach):
            add_step(q, layout, room, tree, reach)
        else:
            add_tree(layout, left, right, room, tree, narrowed(q, layout, room, reach))
    for c in range(layout.sizes[1]):
        room.fixed[c] += same
