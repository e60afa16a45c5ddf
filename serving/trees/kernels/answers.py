"""The tests asked of rows of values: what each leaves of its tree."""

from __future__ import annotations

import numpy as np

from serving.trees.kernels.cells import put
from serving.trees.kernels.compiled import compiled, inlined
from serving.trees.kernels.leaf import FULL
from serving.trees.kernels.sieve import keep_answered, narrow_lanes
from serving.trees.kernels.tables import LANES

ZERO = 1.0000000180025095e-35
"""LightGBM takes what is no further from zero than this (1e-35 in float32) for zero."""


@inlined
def padded(n):
    """The next multiple of LANES."""
    return (n + LANES - 1) // LANES * LANES


@compiled
def read(q, group, x, start, apart, n, lanes, values, begin):
    """What the readings of a group see of n rows; ``values`` is reading by row, from ``begin`` on.

    The values of a column stand side by side, those of the first column from x[start] on, each column ``apart`` from
    the one before.

    Rows beyond the last, up to ``lanes``, are like it, so that they keep no other leaves in reach.
    """
    first = q.group_readings[group]
    for r in range(first, q.group_readings[group + 1]):
        place = start + q.place[4 * r] * apart
        to = begin + (r - first) * lanes
        seen, out = x[place : place + n], values[to : to + lanes]
        when_nan, when_zero = q.fill[2 * r], q.fill[2 * r + 1]
        if q.place[4 * r + 1]:
            for k in range(n):
                passes = in_words(seen[k], q.words, q.place[4 * r + 2], q.place[4 * r + 3])
                out[k] = -np.inf if passes else np.nan
        else:
            for k in range(n):
                number = when_zero if abs(seen[k]) <= ZERO else seen[k]
                out[k] = when_nan if seen[k] != seen[k] else number
        for k in range(n, lanes):
            out[k] = out[n - 1]


@compiled
def in_words(value, words, start, end):
    """Whether a category is in a set; NaN, what is below 0 and what no int can hold never are."""
    if not -1.0 < value < 2147483648.0:
        return False
    category = int(value)
    word = start + (category >> 5)
    return word < end and (words[word] >> np.uint32(category & 31)) & np.uint32(1) == 1


@inlined
def narrow(q, row, values, lanes, masks, to, every, some):
    """Into masks[to : to + lanes] the leaves that the tests of a row leave to each row of values.

    Into every[row] and some[row] the leaves that they leave to every row of values, and to some.
    """
    tests = (q.reading, q.threshold, q.passed, q.failed)
    narrow_lanes(values, 0, lanes, tests, None, q.starts[row], q.starts[row + 1], masks, to, every, some, row)


@compiled
def answer(q, group, x, start, n, values, masks, to, every, some):
    """The leaves that the tests of a group leave in each tree to n rows of x, and to every and to some of them.

    ``x`` has the values of a column side by side, from ``start`` on.
    """
    lanes = padded(n)
    read(q, group, x, start, n, n, lanes, values, 0)
    for row in range(q.group_rows[group], q.group_rows[group + 1]):
        narrow(q, row, values, lanes, masks, to, every, some)
        to += lanes


@compiled
def answer_alone(q, x, room):
    """The leaves that the tests of group 0, in order of slots, leave to its one row, by row of the questions."""
    read(q, 0, x, 0, 1, 1, 1, room.values, 0)
    for row in range(q.group_rows[1]):
        put(room.alone, row, FULL)
    tests = (q.reading, q.threshold, q.passed, q.failed)
    for slot in range(len(q.slots) - 1):
        keep_answered(room.alone, q.slots[slot + 1] - q.slots[slot], room.values, tests, q.slots[slot])


@compiled
def look_up(q, layout, room, inputs):
    """What the readings of all keyed groups see of one request."""
    start = q.n_columns[0]
    for group in range(1, len(layout.n_keys)):
        n = layout.n_keys[group]
        read(q, group, inputs, start, n, n, layout.lanes[group], room.values, layout.seen[group])
        start += n * q.n_columns[group]
