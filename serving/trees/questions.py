"""All tests of a forest on some of its columns, as the tables that the kernels go through.

Each leaf of a tree has a bit. A test that is passed leaves the bits of all leaves but those under its right child, one
that is failed all but those under its left: over all tests of a tree exactly one bit is left, that of its leaf. Over
some of them, the leaves that can still be reached. (Lucchese et al., QuickScorer, SIGIR 2015, clear the left side only
and take the lowest bit; clearing both costs nothing here and shows where the rest of the tests cannot matter.)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from serving.trees.readings import Reading, Readings, reading
from serving.trees.tables import Questions
from serving.trees.tree import Tree


def questions(trees: Sequence[Tree], groups: Sequence[Sequence[int]]) -> Questions:
    """The tests of these trees on each group of columns; tests on columns outside all groups are left out.

    The columns of a group are counted in the order given. Masks are uint64 when a tree has more than 32 leaves.
    """
    home = {column: (group, place) for group, columns in enumerate(groups) for place, column in enumerate(columns)}
    wide = max((len(tree.leaves) for tree in trees), default=1) > 32
    found: list[list[_Row]] = [[] for _ in groups]
    rows = np.full((len(groups), len(trees)), -1, dtype=np.int64)
    for number, tree in enumerate(trees):
        for group, row in _rows(tree, home).items():
            rows[group, number] = len(found[group])
            found[group].append(row)
    tables = [_readings(group) for group in found]
    group_rows = _starts([len(group) for group in found])
    group_readings = _starts([len(table) for table in tables])
    flat = [row for group in found for row in group]
    tests = [test for row in flat for test in row]
    numbers = [
        table[test.reading.key][0] for table, group in zip(tables, found, strict=True) for row in group for test in row
    ]
    ordered = Readings.of([each for table in tables for _, each in table.values()])
    word = np.uint64 if wide else np.uint32
    return Questions(
        np.array([len(columns) for columns in groups], dtype=np.int64),
        group_readings,
        group_rows,
        ordered.place,
        ordered.fill,
        ordered.words,
        _starts([len(row) for row in flat]),
        np.array(numbers, dtype=np.int64),
        np.array([test.threshold for test in tests], dtype=np.float64),
        np.array([test.passed for test in tests], dtype=word),
        np.array([test.failed for test in tests], dtype=word),
        np.where(rows >= 0, rows + group_rows[:-1, None], -1).ravel(),
    )


class _Test(NamedTuple):
    reading: Reading
    threshold: float
    passed: int
    failed: int


_Row = list[_Test]


def _rows(tree: Tree, home: Mapping[int, tuple[int, int]]) -> dict[int, _Row]:
    """The tests of one tree by group, their columns counted inside the group."""
    found: dict[int, _Row] = {}
    everything = (1 << len(tree.leaves)) - 1
    for node, (left, right) in enumerate(zip(*tree.below(), strict=True)):
        column = int(tree.column[node])
        if column not in home:
            continue
        group, place = home[column]
        read = reading(tree, node)
        threshold = 0.0 if read.words is not None else float(tree.threshold[node])
        here = Reading(place, read.when_nan, read.when_zero, read.words)
        found.setdefault(group, []).append(_Test(here, threshold, everything & ~right, everything & ~left))
    return found


def _readings(group: list[_Row]) -> dict[Any, tuple[int, Reading]]:
    """The different readings of a group by key, numbered inside the group."""
    table: dict[Any, tuple[int, Reading]] = {}
    for row in group:
        for test in row:
            table.setdefault(test.reading.key, (len(table), test.reading))
    return table


def _starts(lengths: Sequence[int]) -> NDArray[np.int64]:
    return np.concatenate((np.zeros(1, dtype=np.int64), np.cumsum(lengths, dtype=np.int64)))
