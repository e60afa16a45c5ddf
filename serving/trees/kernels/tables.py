"""The tables that the kernels go through, all of one dimension, and how they are handed over."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Masks = NDArray[Any]
"""Sets of leaves: uint32, or uint64 where a tree has more than 32 leaves."""
Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Wide = NDArray[np.uint64]

LANES = 16
"""Rows that are handled together; tables by row, place or key are padded to a multiple of it."""
LEFT, RIGHT = 1, 2
"""The two sides of the grid of pairs."""


class Questions(NamedTuple):
    """Tests by group of columns, then by tree; those of one tree and group make a row.

    ``n_columns`` ``[n_groups]``; ``group_readings`` and ``group_rows`` ``[n_groups + 1]`` say which readings and rows
    belong to a group; ``place``, ``fill``, ``words``: see Readings, with columns counted inside the group; ``starts``
    ``[n_rows + 1]`` says which tests belong to a row; by test ``reading`` (counted inside the group), ``threshold``,
    ``passed`` and ``failed`` the leaves left; ``rows`` ``[n_trees · n_groups]`` the row of each group by tree, −1
    without such a test.

    Where group 0 is to be asked about a single row at a time, its tests are sorted by slot, so that trees are handled
    side by side: first a test of each tree, then a second one of those that have two … ``slots`` is where each begins.
    """

    n_columns: Ints
    group_readings: Ints
    group_rows: Ints
    place: Ints
    fill: Floats
    words: NDArray[np.uint32]
    starts: Ints
    reading: Ints
    threshold: Floats
    passed: Masks
    failed: Masks
    rows: Ints
    slots: Ints

    @property
    def n_readings(self) -> int:
        """Readings of all groups."""
        return int(self.group_readings[-1])

    @property
    def n_rows(self) -> int:
        """Rows of all groups."""
        return len(self.starts) - 1


class Still(NamedTuple):
    """What static tests leave of each tree on one side.

    ``rows`` ``[n_trees]`` is the row of a tree, −1 without static tests; ``masks`` ``[n_rows · n_places]`` what
    is left, ``every`` and ``some`` uint64 ``[n_rows]`` what is left at every and at any place.
    """

    rows: Ints
    masks: Masks
    every: Wide
    some: Wide


class Layout(NamedTuple):
    """Sizes and places. Group 0 is the customer, the others are keyed. Tables by place or key are padded to LANES.

    By group ``side`` (0 the customer, LEFT, RIGHT), ``n_keys``, ``lanes`` (the same, padded), ``origin``: where the
    words of a tree begin, and ``seen``: where the values that are read begin, both ``[n_groups + 1]``; ``keys``: for
    each group the key at each place of its side, from ``key_start`` on; ``sum_start`` ``[n_groups + 1]``: where the
    sums by key begin (group 0: by place on the left), with ``n_right + 1`` sums for each key: one for each place on the
    right and one for all. ``pair`` ``[n_pairs]`` is the cell of a pair in the grid ``[n_right, n_left]``. ``whole``
    holds every leaf of a tree.
    """

    side: Ints
    n_keys: Ints
    lanes: Ints
    origin: Ints
    seen: Ints
    keys: NDArray[np.int32]
    key_start: Ints
    sum_start: Ints
    pair: Ints
    sizes: Ints
    """n_left (padded), n_right."""
    leaves: Floats
    leaf_start: Ints
    whole: Wide
    forest_start: Ints


class Room(NamedTuple):
    """What a request writes while it is scored.

    ``alone``: what the customer leaves, by row of the questions. Of the tree at hand: ``tests`` that may still tell
    leaves apart, by group from ``first`` on; ``masks``, ``every`` and ``some``: what they leave, by group.
    """

    values: Floats
    alone: Wide
    tests: Ints
    first: Ints
    masks: Masks
    every: Wide
    some: Wide
    sums: Floats
    fixed: Floats
    built: Masks
    reaches: Wide
    distinct: Wide
    owner: Ints
    targets: Ints
    needed: Ints


def pad(n: int) -> int:
    """The next multiple of LANES."""
    return -(-n // LANES) * LANES


def addresses(*tables: tuple[NDArray[Any], ...]) -> Ints:
    """Where the arrays of these tables are and how long, for a kernel that would else spend its time unpacking them.

    Valid as long as the tables live.
    """
    arrays: list[NDArray[Any]] = [array for table in tables for array in table]
    return np.array([(array.ctypes.data, array.size) for array in arrays], dtype=np.int64).ravel()
