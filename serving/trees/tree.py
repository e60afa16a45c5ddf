"""One tree of LightGBM, read from the text of its model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.errors import ModelError

Ints = NDArray[np.int64]
Words = NDArray[np.uint32]

MAX_LEAVES = 64
"""A leaf is a bit of a machine word."""
MISSING_NONE, MISSING_ZERO, MISSING_NAN = 0, 1, 2
"""What a numeric test takes for missing: nothing (NaN counts as 0), zero and NaN, or NaN."""
CATEGORICAL, DEFAULT_LEFT = 1, 2
"""Bits of a decision type; the missing type stands in the two bits above them."""


@dataclass(frozen=True, slots=True)
class Tree:
    """The tests and leaves of one tree. Node 0 is the root, a child below 0 is the leaf ``~child``.

    A test is a numeric one (``value <= threshold`` goes left) where ``words`` is None, otherwise a categorical one:
    a category goes left when its bit in the words is set.
    """

    left: Ints
    right: Ints
    column: Ints
    threshold: NDArray[np.float64]
    missing: Ints
    default_left: NDArray[np.bool_]
    words: tuple[Words | None, ...]
    leaves: NDArray[np.float64]

    def below(self) -> tuple[list[int], list[int]]:
        """The leaves under the left and under the right child of each node, as sets of bits."""
        left, right = [0] * len(self.left), [0] * len(self.right)

        def leaves_of(child: int) -> int:
            return 1 << ~child if child < 0 else left[child] | right[child]

        for node in range(len(self.left) - 1, -1, -1):
            left[node], right[node] = leaves_of(int(self.left[node])), leaves_of(int(self.right[node]))
        return left, right


def read_tree(fields: Mapping[str, str], n_columns: int) -> Tree:
    """The tree that the lines ``name=value`` of its section describe.

    Raises:
        ModelError: The section is no tree, or one that is not a sum of constants in at most 64 leaves.
    """
    name = f"tree {fields.get('Tree', '?')}"
    if fields.get("is_linear", "0") != "0":
        raise ModelError(f"{name} has linear leaves, which are not supported: train with linear_tree=false")
    try:
        leaves = _floats(fields["leaf_value"])
        if len(leaves) != int(fields["num_leaves"]):
            raise ModelError(
                f"{name} names {fields['num_leaves']} leaves and lists {len(leaves)}: save the model again"
            )
        if len(leaves) > MAX_LEAVES:
            raise ModelError(
                f"{name} has {len(leaves)} leaves, more than {MAX_LEAVES}: train with num_leaves=64 or less"
            )
        tree = _tests(fields, leaves) if len(leaves) > 1 else _stump(leaves)
    except KeyError as error:
        raise ModelError(f"{name} lacks {error}: save the model again with LightGBM's save_model") from error
    except (ValueError, IndexError) as error:
        if isinstance(error, ModelError):
            raise
        raise ModelError(f"{name} is damaged ({error}): save the model again") from error
    _check(tree, name, n_columns)
    return tree


def _stump(leaves: NDArray[np.float64]) -> Tree:
    none = np.zeros(0, dtype=np.int64)
    return Tree(none, none, none, np.zeros(0), none, np.zeros(0, dtype=np.bool_), (), leaves)


def _tests(fields: Mapping[str, str], leaves: NDArray[np.float64]) -> Tree:
    kind = _ints(fields["decision_type"])
    threshold = _floats(fields["threshold"])
    words: list[Words | None] = [None] * len(kind)
    if np.any(kind & CATEGORICAL):
        starts, bits = _ints(fields["cat_boundaries"]), _ints(fields["cat_threshold"]).astype(np.uint32)
        for node in np.flatnonzero(kind & CATEGORICAL):
            place = int(threshold[node])
            words[node] = bits[starts[place] : starts[place + 1]]
    return Tree(
        _ints(fields["left_child"]),
        _ints(fields["right_child"]),
        _ints(fields["split_feature"]),
        threshold,
        (kind >> 2) & 3,
        (kind & DEFAULT_LEFT) > 0,
        tuple(words),
        leaves,
    )


def _check(tree: Tree, name: str, n_columns: int) -> None:
    n_nodes = len(tree.leaves) - 1
    parts = (tree.left, tree.right, tree.column, tree.threshold, tree.missing)
    if any(len(part) != n_nodes for part in parts):
        raise ModelError(f"{name} has {n_nodes + 1} leaves but not {n_nodes} tests: save the model again")
    children = np.concatenate((tree.left, tree.right))
    above = np.tile(np.arange(n_nodes), 2)
    if n_nodes and not (
        np.array_equal(np.sort(children), np.concatenate((np.arange(-n_nodes - 1, 0), np.arange(1, n_nodes))))
        and np.all((children < 0) | (children > above))
    ):
        raise ModelError(f"{name} has children that form no tree: save the model again")
    if np.any((tree.column < 0) | (tree.column >= n_columns)):
        raise ModelError(f"{name} tests column {tree.column.max()} of {n_columns}: save the model again")
    if np.any(tree.missing > MISSING_NAN):
        raise ModelError(f"{name} has a missing type that is not none, zero or NaN: use the LightGBM this code knows")


def _ints(text: str) -> Ints:
    return np.array(text.split(), dtype=np.int64)


def _floats(text: str) -> NDArray[np.float64]:
    return np.array(text.split(), dtype=np.float64)
