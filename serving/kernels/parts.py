"""What the parts of a model say of all pairs: linear halves, trees, calibration."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from serving.kernels.curves import compress, logistic
from serving.trees.kernels.compiled import reckoned
from serving.trees.kernels.handover import F8, I8, borrow
from serving.trees.kernels.scores import score_pairs

SPAN, SCALE = 3, 4
"""Numbers of a span of values, and of the scale of a column."""


class Parts(NamedTuple):
    """Parts over the values of one customer, on the logit scale of the calibrated probability.

    ``sizes``: parts, pairs, sums of one part, groups, columns of the customer. ``own``: those of the customer that have
    a weight, which go to the first sum, that of every pair. ``spans``, SPAN numbers each: keyed columns that have one:
    where their values begin, how many there are, and the first of the sums to which they go. ``scales``, by column of
    ``own`` and by span, then by part, SCALE numbers: what an unknown value contributes, mean, one through the standard
    deviation, weight. ``far``: how many standard deviations count. ``keys`` ``[n_groups · n_pairs]``: the sum of each
    pair by group. ``rest`` ``[n_parts · n_pairs]``: what no value changes. ``blend`` is by part the weight of its
    trees, and ``forest`` which they are, −1 for none.
    """

    sizes: NDArray[np.int64]
    own: NDArray[np.int64]
    spans: NDArray[np.int64]
    scales: NDArray[np.float64]
    far: NDArray[np.float64]
    keys: NDArray[np.int64]
    rest: NDArray[np.float64]
    blend: NDArray[np.float64]
    forest: NDArray[np.int64]


class Room(NamedTuple):
    """What is written for one customer: a column on its scale, sums by part, scores of trees by forest and pair."""

    column: NDArray[np.float64]
    sums: NDArray[np.float64]
    trees: NDArray[np.float64]


@reckoned
def probabilities(tables, forests, word, flat, out):
    """The calibrated probabilities of all pairs for one customer.

    Args:
        tables: Addresses of Parts and Room.
        forests: See ``score_pairs``; nothing where no part has trees.
        word: The same.
        flat: float64, the values of the groups one after the other, each ``[n_columns, n_keys]``.
        out: float64 ``[n_parts, n_pairs]``, written.
    """
    sizes, keys, rest = borrow(tables, 0, I8), borrow(tables, 5, I8), borrow(tables, 6, F8)
    blend, forest = borrow(tables, 7, F8), borrow(tables, 8, I8)
    sums, trees = borrow(tables, 10, F8), borrow(tables, 11, F8)
    n_pairs, n_sums, n_groups = sizes[1], sizes[2], sizes[3]
    _add_lines(tables, flat, sizes, sums)
    if len(forests):
        score_pairs(forests, word, flat, trees)
    for part in range(sizes[0]):
        score, own = out[part], sums[part * n_sums : (part + 1) * n_sums]
        held = rest[part * n_pairs : (part + 1) * n_pairs]
        for pair in range(n_pairs):
            score[pair] = held[pair] + own[0]
        for group in range(n_groups):
            key = keys[group * n_pairs : (group + 1) * n_pairs]
            for pair in range(n_pairs):
                score[pair] += own[key[pair]]
        if forest[part] >= 0:
            grown, share = trees[forest[part] * n_pairs : (forest[part] + 1) * n_pairs], blend[part]
            for pair in range(n_pairs):
                score[pair] += share * grown[pair]
        for pair in range(n_pairs):
            score[pair] = logistic(score[pair])


@reckoned
def _add_lines(tables, flat, sizes, sums):
    """What columns contribute to the linear halves, added up by sum."""
    own, spans, scales = borrow(tables, 1, I8), borrow(tables, 2, I8), borrow(tables, 3, F8)
    far, room, n_parts = borrow(tables, 4, F8)[0], borrow(tables, 9, F8), sizes[0]
    sums[:] = 0.0
    _compress(flat[: sizes[4]], room)
    for i in range(len(own)):
        for part in range(n_parts):
            at = SCALE * (i * n_parts + part)
            sums[part * sizes[2]] += _line(room[own[i]], scales[at : at + SCALE], far)
    for s in range(len(spans) // SPAN):
        start, n, first = spans[SPAN * s], spans[SPAN * s + 1], spans[SPAN * s + 2]
        z = room[:n]
        _compress(flat[start : start + n], z)
        for part in range(n_parts):
            at = SCALE * ((len(own) + s) * n_parts + part)
            scale, to = scales[at : at + SCALE], sums[part * sizes[2] + first : part * sizes[2] + first + n]
            for k in range(n):
                to[k] += _line(z[k], scale, far)


@reckoned
def _compress(x, out):
    for k in range(len(x)):
        out[k] = compress(x[k])


@reckoned
def _line(z, scale, far):
    """What one value contributes."""
    told = min(max((z - scale[1]) * scale[2], -far), far) * scale[3]
    return told if z == z else scale[0]
