"""The leaves of a tree that pairs of a request may still reach, and what tells them apart."""

from __future__ import annotations

import numpy as np

from serving.trees.kernels.answers import padded
from serving.trees.kernels.compiled import inlined
from serving.trees.kernels.sieve import narrow_lanes
from serving.trees.kernels.tables import LANES, RIGHT


@inlined
def reached(q, layout, left, right, alone, tree):
    """The leaves of a tree that some pair may reach, as far as the customer and what is static tell."""
    reach, row = layout.whole[tree], q.rows[tree * len(q.n_columns)]
    if row >= 0:
        reach &= alone[row]
    if left.rows[tree] >= 0:
        reach &= left.some[left.rows[tree]]
    if right.rows[tree] >= 0:
        reach &= right.some[right.rows[tree]]
    return reach


@inlined
def sift(q, layout, room, tree, reach, few):
    """Into room the tests of a tree on keyed groups that may tell leaves in reach apart; their number.

    A test that has leaves in reach on one side only is never come to, or has its answer already. Looking for those
    takes as long as asking a test of some LANES keys, so of fewer all are asked where leaves in reach are not ``few``.
    """
    n_groups, n = len(q.n_columns), 0
    for group in range(1, n_groups):
        room.first[group] = n
        row = q.rows[tree * n_groups + group]
        if row >= 0:
            if few or layout.lanes[group] > 2 * LANES:
                for test in range(q.starts[row], q.starts[row + 1]):
                    room.tests[n] = test
                    n += (reach & ~np.uint64(q.passed[test]) != 0) & (reach & ~np.uint64(q.failed[test]) != 0)
            else:
                for test in range(q.starts[row], q.starts[row + 1]):
                    room.tests[n] = test
                    n += 1
    room.first[n_groups] = n
    return n


@inlined
def narrowed(q, layout, room, reach):
    """Into room what the tests of each group leave of a tree; the leaves still in reach."""
    tests = (q.reading, q.threshold, q.passed, q.failed)
    for group in range(1, len(layout.n_keys)):
        start, end = room.first[group], room.first[group + 1]
        if start < end:
            seen, to, n = layout.seen[group], layout.origin[group], layout.lanes[group]
            narrow_lanes(
                room.values, seen, n, tests, room.tests, start, end, room.masks, to, room.every, room.some, group
            )
            reach &= room.some[group]
    return reach


@inlined
def telling(layout, room, side, reach):
    """Into room.needed the groups of one side that tell apart leaves in reach; their number."""
    n = 0
    for group in range(1, len(layout.n_keys)):
        asked = room.first[group] < room.first[group + 1]
        if asked and layout.side[group] == side and reach & ~room.every[group] != 0:
            room.needed[n] = group
            n += 1
    return n


@inlined
def tells(still, tree, reach):
    """Whether the static tests of one side tell apart leaves in reach."""
    row = still.rows[tree]
    return row >= 0 and reach & ~still.every[row] != 0


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


@inlined
def reach_right(layout, right, room, tree, reach):
    """Into room.reaches the leaves in reach from each place on the right, see ``alike``; how many different ones."""
    n_right, n_needed, still = layout.sizes[1], telling(layout, room, RIGHT, reach), tells(right, tree, reach)
    room.distinct[0] = reach
    for c in range(n_right):
        room.reaches[c] = reach
        room.owner[c] = 0
    if n_needed == 0 and not still:
        return 1
    for i in range(n_needed):
        group = room.needed[i]
        start, key = layout.origin[group], layout.key_start[group]
        for c in range(n_right):
            room.reaches[c] &= np.uint64(room.masks[start + layout.keys[key + c]])
    if still:
        start = right.rows[tree] * padded(n_right)
        for c in range(n_right):
            room.reaches[c] &= np.uint64(right.masks[start + c])
    return alike(room, n_right)
