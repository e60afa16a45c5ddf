"""All tests of a forest on some of its columns, as the tables that the kernels go through.

Each leaf of a tree has a bit. A test that is passed leaves the bits of all leaves but those under its right child, one
that is failed all but those under its left: over all tests of a tree exactly one bit is left, that of its leaf. Over
some of them, the leaves that can still be reached. (Lucchese et al., QuickScorer, SIGIR 2015, clear the left side only
and take the lowest bit; clearing both costs nothing here and shows where the rest of the tests cannot matter.)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from serving.trees.kernels.tables import Ints, Questions, pad
from serving.trees.readings import Reading, Readings, reading_of
from serving.trees.tree import Tree

EVERYTHING = (1 << 64) - 1


def questions(trees: Sequence[Tree], groups: Sequence[Sequence[int]], *, alone: bool = False) -> Questions:
    """The tests of these trees on each group of columns; tests on columns outside all groups are left out.

    The columns of a group are counted in the order given. Masks are uint64 when a tree has more than 32 leaves. With
    ``alone`` the tests of group 0 are sorted by slot.
    """
    home = {column: (group, place) for group, columns in enumerate(groups) for place, column in enumerate(columns)}
    found = [_Group() for _ in groups]
    for number, tree in enumerate(trees):
        for group, row in _rows(tree, home).items():
            found[group].append(number, row)
    if alone:
        found[0].sort()
    tests = [
        test for number, group in enumerate(found) for test in (group.by_slot() if alone and not number else group)
    ]
    readings = Readings.of([each for group in found for each in group.readings.values()])
    wide = any(len(tree.leaves) > 32 for tree in trees)
    word = np.uint64 if wide else np.uint32
    group_rows = _starts([len(group.rows) for group in found])
    lengths = [len(row) for group in found for row in group.rows]
    starts = _starts(lengths) + (len(tests) - sum(lengths))
    return Questions(
        np.array([len(columns) for columns in groups], dtype=np.int64),
        _starts([len(group.readings) for group in found]),
        group_rows,
        readings.place,
        readings.fill,
        readings.words,
        starts,
        np.array([test.reading for test in tests], dtype=np.int64),
        np.array([test.threshold for test in tests], dtype=np.float64),
        np.array([test.passed & int(np.iinfo(word).max) for test in tests], dtype=word),
        np.array([test.failed & int(np.iinfo(word).max) for test in tests], dtype=word),
        np.stack(
            [group.row_of(len(trees), int(start)) for group, start in zip(found, group_rows, strict=False)], axis=1
        ).ravel(),
        _starts(found[0].slot_sizes() if alone else []),
    )


class _Test(NamedTuple):
    reading: int
    threshold: float
    passed: int
    failed: int


class _Group:
    """The tests of all trees on one group of columns: a row for each tree that has any, and the ways they read."""

    def __init__(self) -> None:
        self.rows: list[list[_Test]] = []
        self.trees: list[int] = []
        self.readings: dict[Any, Reading] = {}
        self._numbers: dict[Any, int] = {}

    def __iter__(self) -> Iterator[_Test]:
        return (test for row in self.rows for test in row)

    def append(self, tree: int, row: Sequence[tuple[Reading, float, int, int]]) -> None:
        for reading, *_ in row:
            self._numbers.setdefault(reading.key, len(self._numbers))
            self.readings.setdefault(reading.key, reading)
        self.rows.append([_Test(self._numbers[each.key], limit, passed, failed) for each, limit, passed, failed in row])
        self.trees.append(tree)

    def sort(self) -> None:
        """The longest rows first."""
        order = sorted(range(len(self.rows)), key=lambda row: -len(self.rows[row]))
        self.rows, self.trees = [self.rows[row] for row in order], [self.trees[row] for row in order]

    def slot_sizes(self) -> list[int]:
        """How many rows have a first test, a second …, padded to LANES."""
        longest = max(map(len, self.rows), default=0)
        return [pad(sum(len(row) > slot for row in self.rows)) for slot in range(longest)]

    def by_slot(self) -> Iterator[_Test]:
        """The first tests of all rows, then the second ones …; in between, tests that leave every leaf."""
        for slot, size in enumerate(self.slot_sizes()):
            here = [row[slot] for row in self.rows if len(row) > slot]
            yield from (*here, *[_Test(0, 0.0, EVERYTHING, EVERYTHING)] * (size - len(here)))

    def row_of(self, n_trees: int, first: int) -> Ints:
        """The row of each tree, counted from ``first``; −1 for none."""
        rows = np.full(n_trees, -1, dtype=np.int64)
        rows[self.trees] = first + np.arange(len(self.trees))
        return rows


def _rows(tree: Tree, home: Mapping[int, tuple[int, int]]) -> dict[int, list[tuple[Reading, float, int, int]]]:
    """The tests of one tree by group: how they read (columns counted inside the group), threshold, leaves left."""
    found: dict[int, list[tuple[Reading, float, int, int]]] = {}
    everything = (1 << len(tree.leaves)) - 1
    for node, (left, right) in enumerate(zip(*tree.below(), strict=True)):
        if int(tree.column[node]) in home:
            group, place = home[int(tree.column[node])]
            read = replace(reading_of(tree, node), column=place)
            threshold = 0.0 if read.words is not None else float(tree.threshold[node])
            found.setdefault(group, []).append((read, threshold, everything & ~right, everything & ~left))
    return found


def _starts(lengths: Sequence[int]) -> Ints:
    return np.concatenate((np.zeros(1, dtype=np.int64), np.cumsum(lengths, dtype=np.int64)))
