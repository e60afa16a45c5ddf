"""Scores all pairs of a request at once: each test is asked once for all rows that share its answer.

A test on the customer is asked once per request; one on the customer's past with a category, an offer, a channel, an
hour once per such key; one on content and evidence once per catalogue. What the tests of each kind leave of the leaves
of a tree is a word; the words of a pair are put together where trees can still tell pairs apart.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from features.errors import ModelError
from serving.trees.forest import Forest
from serving.trees.kernels import answer, score_pairs
from serving.trees.layout import layout_of, room_for
from serving.trees.questions import questions
from serving.trees.sides import Side, labelled, sides
from serving.trees.tables import Questions, Still, addresses, pad

CUSTOMER, STATIC = "customer", "static"
"""The groups that have no key: what all pairs of a request share, and what no request changes."""

Floats = NDArray[np.float64]


class Scorer:
    """Forests over the same columns, sorted by what each column depends on."""

    def __init__(self, forests: Sequence[Forest], groups: Sequence[str]) -> None:
        """Sort the tests of the forests.

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
        keyed = [name for name in dict.fromkeys(groups) if name not in (CUSTOMER, STATIC)]
        self.columns: dict[str, tuple[int, ...]] = {
            name: tuple(column for column, group in enumerate(groups) if group == name)
            for name in (CUSTOMER, *keyed, STATIC)
        }
        """The columns of each group in the order in which ``prepare`` and ``score`` expect them."""
        self.keyed = tuple(keyed)
        self.trees = tuple(tree for forest in forests for tree in forest.trees)

    def prepare(self, static: ArrayLike, keys: Mapping[str, ArrayLike]) -> Prepared:
        """Everything about these pairs that no request changes. Slow; done when the model or the catalogue changes.

        Args:
            static: ``[n_pairs, n_static]``, the static columns of each pair.
            keys: For each keyed group ``[n_pairs]`` whole numbers from 0: which key each pair has.
        """
        content = np.array(static, dtype=np.float64, ndmin=2)
        if content.shape[1] != len(self.columns[STATIC]):
            raise ModelError(f"static values have {content.shape[1]} columns, not {len(self.columns[STATIC])}")
        places = [_key(keys, name, len(content)) for name in self.keyed]
        asked = questions(
            self.trees, [self.columns[CUSTOMER], *(self.columns[name] for name in self.keyed)], alone=True
        )
        used = sorted({int(c) for tree in self.trees for c in tree.column} & set(self.columns[STATIC]))
        values = content[:, [self.columns[STATIC].index(column) for column in used]]
        labels = [*places, *(labelled(values[:, [column]]) for column in range(len(used)))]
        left, right = sides(labels, len(content))
        still = [
            self._still(
                side, values, [(used[n - len(places)], n - len(places)) for n in side.follows if n >= len(places)]
            )
            for side in (left, right)
        ]
        return Prepared(self, asked, places, left, right, still[0], still[1])

    def _still(self, side: Side, values: Floats, columns: Sequence[tuple[int, int]]) -> Still:
        """What the static tests of one side leave of each tree."""
        asked = questions(self.trees, [[column for column, _ in columns]])
        x = np.ascontiguousarray(values[np.ix_(side.example, [place for _, place in columns])])
        masks = np.empty(asked.n_rows * pad(len(side)), dtype=asked.passed.dtype)
        every, some = np.empty(asked.n_rows, dtype=np.uint64), np.empty(asked.n_rows, dtype=np.uint64)
        seen = np.empty(asked.n_readings * pad(len(side)))
        answer(asked, 0, x.ravel(), 0, len(side), seen, masks, 0, every, some)
        return Still(asked.rows, masks, every, some)


class Prepared:
    """The pairs of one catalogue, ready to be scored for any customer. Safe to share between threads."""

    def __init__(
        self,
        scorer: Scorer,
        asked: Questions,
        places: Sequence[NDArray[np.intp]],
        left: Side,
        right: Side,
        left_still: Still,
        right_still: Still,
    ) -> None:
        self._scorer, self._asked = scorer, asked
        self._layout = layout_of(scorer.forests, asked, places, left, right)
        self._still = left_still, right_still
        self._word = np.empty(0, asked.passed.dtype)
        self._rooms = threading.local()
        self.n_keys = {name: int(n) for name, n in zip(scorer.keyed, self._layout.n_keys[1:], strict=True)}
        """Rows that ``score`` expects of each keyed group."""
        self._shapes, start = [], 0
        for name, n in ((CUSTOMER, 1), *self.n_keys.items()):
            shape = (n, len(scorer.columns[name]))
            self._shapes.append((name, shape, slice(start, start + n * shape[1])))
            start += n * shape[1]
        self._n_inputs = start
        self.n_pairs = len(left.of_pair)
        self.n_forests = len(scorer.forests)
        self.score(np.zeros(len(scorer.columns[CUSTOMER])), {n: np.zeros(s) for n, s, _ in self._shapes[1:]})

    def _tables(self) -> NDArray[np.int64]:
        """The addresses of all tables, with a room for each thread."""
        if not hasattr(self._rooms, "tables"):
            self._rooms.room = room_for(self._asked, self._layout)
            self._rooms.tables = addresses(self._asked, self._layout, *self._still, self._rooms.room)
        tables: NDArray[np.int64] = self._rooms.tables
        return tables

    def score(self, customer: ArrayLike, keyed: Mapping[str, ArrayLike]) -> Floats:
        """Raw scores float64 ``[n_forests, n_pairs]``, to 1e-12 those of LightGBM for the rows so put together.

        Args:
            customer: ``[n_customer]``, the customer's columns.
            keyed: For each keyed group ``[at least n_keys, n_columns of the group]``.
        """
        inputs = np.empty(self._n_inputs)
        for name, shape, where in self._shapes:
            given = np.asarray(customer)[None] if name == CUSTOMER else np.asarray(keyed[name])[: shape[0]]
            if given.shape != shape:
                raise ModelError(f"values of {name!r} have shape {given.shape}, not {shape}")
            inputs[where] = given.ravel()
        out = np.empty((self.n_forests, self.n_pairs))
        score_pairs(self._tables(), self._word, inputs, out)
        return out


def _key(keys: Mapping[str, ArrayLike], name: str, n_pairs: int) -> NDArray[np.intp]:
    if name not in keys:
        raise ModelError(f"pairs have no key {name!r}: give one for each pair")
    found = np.asarray(keys[name], dtype=np.intp)
    if found.shape != (n_pairs,) or (n_pairs and found.min() < 0):
        raise ModelError(f"keys {name!r} of shape {found.shape} are not one number from 0 for each of {n_pairs} pairs")
    return found
