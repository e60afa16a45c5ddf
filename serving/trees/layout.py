"""Where the scores of one catalogue's pairs come from."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from serving.trees.forest import Forest, leaf_table
from serving.trees.kernels.tables import LEFT, RIGHT, Ints, Layout, Questions, Room, pad
from serving.trees.sides import Side
from serving.trees.tree import MAX_LEAVES


def layout_of(
    forests: Sequence[Forest], asked: Questions, places: Sequence[NDArray[np.intp]], left: Side, right: Side
) -> Layout:
    """The tables for these pairs. ``places``: by keyed group, the key of each pair."""
    n_left, n_right = pad(len(left)), len(right)
    side = np.array([0, *(LEFT if n in left.follows else RIGHT for n in range(len(places)))], dtype=np.int64)
    n_keys = np.array([1, *(int(place.max()) + 1 if len(place) else 0 for place in places)], dtype=np.int64)
    lanes = np.array([pad(int(n)) for n in n_keys], dtype=np.int64)
    keys = [
        _extended(place[(left if where == LEFT else right).example])
        for place, where in zip(places, side[1:], strict=True)
    ]
    sums = np.where(side == LEFT, lanes, 0)
    sums[0] = n_left
    trees = [tree for forest in forests for tree in forest.trees]
    leaves, leaf_start = leaf_table(trees)
    return Layout(
        side,
        n_keys,
        lanes,
        _starts(lanes),
        _starts(np.diff(asked.group_readings) * lanes),
        np.concatenate([np.zeros(0), *keys]).astype(np.int32),
        _starts([0, *(len(key) for key in keys)]),
        _starts(sums * (n_right + 1)),
        right.of_pair * n_left + left.of_pair,
        np.array([n_left, n_right], dtype=np.int64),
        leaves,
        leaf_start,
        np.array([(1 << len(tree.leaves)) - 1 for tree in trees], dtype=np.uint64),
        _starts([len(forest.trees) for forest in forests]),
    )


def room_for(asked: Questions, layout: Layout) -> Room:
    """Room for one request at a time."""
    n_left, n_right = (int(n) for n in layout.sizes)
    word, n_groups = asked.passed.dtype, len(layout.n_keys)
    return Room(
        np.empty(layout.seen[-1]),
        np.empty(pad(int(asked.group_rows[1])), np.uint64),
        np.empty(MAX_LEAVES, np.int64),
        np.empty(n_groups + 1, np.int64),
        np.empty(layout.origin[-1], word),
        np.empty(n_groups, np.uint64),
        np.empty(n_groups, np.uint64),
        np.empty(layout.sum_start[-1]),
        np.empty(n_right),
        np.empty(n_left, word),
        np.empty(n_right, np.uint64),
        np.empty(n_right, np.uint64),
        np.empty(n_right, np.int64),
        np.empty(n_right, np.int64),
        np.empty(n_groups, np.int64),
    )


def _extended(keys: NDArray[np.intp]) -> NDArray[np.intp]:
    """With the last one repeated up to a multiple of LANES."""
    return np.pad(keys, (0, pad(len(keys)) - len(keys)), mode="edge")


def _starts(lengths: Sequence[int] | Ints) -> Ints:
    return np.concatenate((np.zeros(1, dtype=np.int64), np.cumsum(lengths, dtype=np.int64)))
