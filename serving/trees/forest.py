"""A model of LightGBM as arrays: parsed from its text, scored without it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from features.errors import ModelError
from serving.trees.kernels.rows import BLOCK, score_rows
from serving.trees.kernels.tables import Questions
from serving.trees.questions import questions
from serving.trees.tree import Tree, read_tree


@dataclass(frozen=True)
class Forest:
    """A sum of trees over ``n_columns`` columns. Its raw scores are LightGBM's."""

    names: tuple[str, ...]
    """Names of the columns, as LightGBM knew them."""
    trees: tuple[Tree, ...]

    @staticmethod
    def parse(text: str) -> Forest:
        """The forest that LightGBM's ``save_model`` or ``model_to_string`` wrote.

        Raises:
            ModelError: The text is no such model, it is damaged, or it is not a plain sum of trees with at most 64
                leaves: random forests (averaged), linear trees, several classes.
        """
        head, *sections = _sections(text)
        if "num_tree_per_iteration" not in head or "feature_names" not in head:
            raise ModelError("this text is no model of LightGBM: give what its save_model wrote")
        if "average_output" in head:
            raise ModelError("the model averages its trees (boosting=rf), which is not supported: train with gbdt")
        if head["num_tree_per_iteration"] != "1":
            raise ModelError(f"the model has {head['num_class']} classes, which is not supported: train one per class")
        names = tuple(head["feature_names"].split())
        if len(sections) != len(head.get("tree_sizes", "").split()):
            raise ModelError(f"the model has {len(sections)} trees, not those it lists: it is cut off, save it again")
        return Forest(names, tuple(read_tree(fields, len(names)) for fields in sections))

    @property
    def n_columns(self) -> int:
        """Width of a row."""
        return len(self.names)

    def over(self, names: Sequence[str], places: Sequence[int]) -> Forest:
        """The same trees over the columns ``names``: what was column i stands at ``places[i]`` there.

        Raises:
            ModelError: There is not one place within the columns for each column of this forest.
        """
        if len(places) != self.n_columns or not all(0 <= place < len(names) for place in places):
            raise ModelError(
                f"{len(places)} places in {len(names)} columns do not fit a model of {self.n_columns} columns"
            )
        moved = np.asarray(places, dtype=np.int64)
        return Forest(tuple(names), tuple(replace(tree, column=moved[tree.column]) for tree in self.trees))

    @cached_property
    def _questions(self) -> Questions:
        return questions(self.trees, [range(self.n_columns)])

    @cached_property
    def _leaves(self) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        return leaf_table(self.trees)

    def raw(self, X: ArrayLike) -> NDArray[np.float64]:
        """Raw scores float64 ``[n]`` of rows ``[n, n_columns]`` in float32 or float64.

        They are equal to ``predict(X, raw_score=True)`` bit by bit: the trees are added up in the same order.

        Raises:
            ModelError: The rows have another width.
        """
        rows = np.asarray(X, dtype=np.float64)
        if rows.ndim != 2 or rows.shape[1] != self.n_columns:
            raise ModelError(f"rows of shape {rows.shape} do not fit a model of {self.n_columns} columns")
        out = np.empty(len(rows))
        asked = self._questions
        room = np.empty(asked.n_readings * BLOCK), np.empty(BLOCK, asked.passed.dtype)
        reach = np.empty(asked.n_rows, np.uint64), np.empty(asked.n_rows, np.uint64)
        sums, target = np.empty(BLOCK), np.zeros(1, np.int64)
        score_rows(asked, *self._leaves, rows.ravel(order="F"), *room, *reach, sums, target, out)
        return out


def leaf_table(trees: Sequence[Tree]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """The leaves of all trees one after the other, and where those of each tree begin."""
    values = np.concatenate([tree.leaves for tree in trees]) if trees else np.zeros(0)
    starts = np.cumsum([0, *(len(tree.leaves) for tree in trees)], dtype=np.int64)[:-1]
    return values, starts


def _sections(text: str) -> Iterator[dict[str, str]]:
    """The lines ``name=value`` of the head, then of each tree."""
    fields: dict[str, str] = {}
    for line in text.splitlines():
        if line == "end of trees":
            break
        name, _, value = line.partition("=")
        if name == "Tree":
            yield fields
            fields = {}
        fields[name] = value
    yield fields
