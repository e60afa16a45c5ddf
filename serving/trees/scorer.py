"""Scores all pairs of a request at once: each test is asked once for all rows that share its answer.

A test on the customer is asked once per request; one on the customer's past with a category, an offer, a channel, an
hour once per such key; one on content and evidence once per catalogue. What the tests of each kind leave of the leaves
of a tree is a word; the words of a pair are put together where trees can still tell pairs apart.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from features.errors import ModelError
from serving.trees.forest import Forest
from serving.trees.kernels.answers import answer
from serving.trees.kernels.tables import Floats, Still, pad
from serving.trees.layout import layout_of
from serving.trees.prepared import CUSTOMER, Prepared
from serving.trees.questions import questions
from serving.trees.sides import Side, labelled, sides

STATIC = "static"
"""The group of columns that no request changes."""


class Scorer:
    """Forests over the same columns, sorted by what each column depends on."""

    def __init__(self, forests: Sequence[Forest], groups: Sequence[str]) -> None:
        """Sort the columns.

        Args:
            forests: One or more, all over the same columns.
            groups: By column: ``customer``, ``static``, or the name of the key whose value decides the column.

        Raises:
            ModelError: A forest has another number of columns than there are groups.
        """
        for forest in forests:
            if forest.n_columns != len(groups):
                raise ModelError(f"a forest reads {forest.n_columns} columns, but {len(groups)} have a group")
        self.forests = tuple(forests)
        self.keyed = tuple(name for name in dict.fromkeys(groups) if name not in (CUSTOMER, STATIC))
        self.columns: dict[str, tuple[int, ...]] = {
            name: tuple(column for column, group in enumerate(groups) if group == name)
            for name in (CUSTOMER, *self.keyed, STATIC)
        }
        """The columns of each group in the order in which ``prepare`` and ``score`` expect them."""
        self._trees = tuple(tree for forest in forests for tree in forest.trees)

    def prepare(self, static: ArrayLike, keys: Mapping[str, ArrayLike]) -> Prepared:
        """Everything about these pairs that no request changes. Slow; done when the model or the catalogue changes.

        Args:
            static: ``[n_pairs, n_static]``, the static columns of each pair.
            keys: For each keyed group ``[n_pairs]`` whole numbers from 0: which key each pair has.

        Raises:
            ModelError: Something has another shape.
        """
        content = np.array(static, dtype=np.float64, ndmin=2)
        if content.shape[1] != len(self.columns[STATIC]):
            raise ModelError(f"static values have {content.shape[1]} columns, not {len(self.columns[STATIC])}")
        places = [_key(keys, name, len(content)) for name in self.keyed]
        tested = {int(column) for tree in self._trees for column in tree.column}
        used = [place for place, column in enumerate(self.columns[STATIC]) if column in tested]
        left, right = sides([*places, *(labelled(content[:, [place]]) for place in used)], len(content))
        asked_for = (CUSTOMER, *self.keyed)
        asked = questions(self._trees, [self.columns[name] for name in asked_for], alone=True)
        return Prepared(
            asked,
            layout_of(self.forests, asked, places, left, right),
            self._still(left, content, [used[n - len(places)] for n in left.follows if n >= len(places)]),
            self._still(right, content, [used[n - len(places)] for n in right.follows if n >= len(places)]),
            {name: len(self.columns[name]) for name in asked_for},
        )

    def _still(self, side: Side, content: Floats, places: Sequence[int]) -> Still:
        """What the tests on the static columns at these places, which follow one side, leave of each tree."""
        asked = questions(self._trees, [[self.columns[STATIC][place] for place in places]])
        x = content[side.example][:, list(places)]
        masks = np.empty(asked.n_rows * pad(len(side)), dtype=asked.passed.dtype)
        every, some = np.empty(asked.n_rows, dtype=np.uint64), np.empty(asked.n_rows, dtype=np.uint64)
        seen = np.empty(asked.n_readings * pad(len(side)))
        answer(asked, 0, x.ravel(order="F"), 0, len(side), seen, masks, 0, every, some)
        return Still(asked.rows, masks, every, some)


def _key(keys: Mapping[str, ArrayLike], name: str, n_pairs: int) -> NDArray[np.intp]:
    if name not in keys:
        raise ModelError(f"pairs have no key {name!r}: give one for each pair")
    found = np.asarray(keys[name], dtype=np.intp)
    if found.shape != (n_pairs,) or (n_pairs and found.min() < 0):
        raise ModelError(f"keys {name!r} of shape {found.shape} are not one number from 0 for each of {n_pairs} pairs")
    return found
