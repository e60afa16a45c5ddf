"""The pairs of one catalogue, ready to be scored for any customer."""

from __future__ import annotations

import threading
from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike

from features.errors import ModelError
from serving.trees.kernels.scores import score_pairs
from serving.trees.kernels.tables import Floats, Ints, Layout, Questions, Still, addresses
from serving.trees.layout import room_for

CUSTOMER = "customer"
"""The group of columns that all pairs of a request share."""


class Prepared:
    """Scores of the same pairs for one customer after the other. Threads may share it."""

    def __init__(self, asked: Questions, layout: Layout, left: Still, right: Still, columns: Mapping[str, int]) -> None:
        """Compile what is not compiled yet, by scoring a customer of zeros.

        Args:
            asked: The questions asked in each request.
            layout: Where scores come from.
            left: What the static tests leave on the left.
            right: And on the right.
            columns: How many columns the customer has, then each keyed group, in the order of the questions.
        """
        self._asked, self._layout, self._left, self._right = asked, layout, left, right
        self.word = np.empty(0, asked.passed.dtype)
        """As ``score_pairs`` wants it."""
        self._own = threading.local()
        self.n_keys = {name: int(n) for name, n in zip(columns, layout.n_keys, strict=True) if name != CUSTOMER}
        """Rows that ``score`` reads of each keyed group."""
        self.n_pairs, self.n_forests = len(layout.pair), len(layout.forest_start) - 1
        self._parts: list[tuple[str, tuple[int, int], slice]] = []
        end = 0
        for name, width in columns.items():
            shape = (self.n_keys.get(name, 1), width)
            start, end = end, end + shape[0] * width
            self._parts.append((name, shape, slice(start, end)))
        self._n_inputs = end
        self.score(np.zeros(columns[CUSTOMER]), {name: np.zeros(shape) for name, shape, _ in self._parts[1:]})

    def score(self, customer: ArrayLike, keyed: Mapping[str, ArrayLike]) -> Floats:
        """Raw scores float64 ``[n_forests, n_pairs]``, to 1e-12 those of LightGBM for the rows so put together.

        Args:
            customer: float32 or float64 ``[n_columns of the customer]``.
            keyed: For each keyed group float32 or float64 ``[at least n_keys, n_columns of the group]``.

        Raises:
            ModelError: Values have another shape.
        """
        inputs = np.empty(self._n_inputs)
        for name, shape, where in self._parts:
            given = np.asarray(customer)[None] if name == CUSTOMER else np.asarray(keyed[name])[: shape[0]]
            if given.shape != shape:
                raise ModelError(f"values of {name!r} have shape {given.shape}, not {shape}")
            inputs[where] = given.ravel(order="F")
        return self.score_flat(inputs)

    def score_flat(self, inputs: Floats) -> Floats:
        """As ``score``, of the columns of all groups one after the other, float64: of exactly ``n_keys`` rows each."""
        if inputs.shape != (self._n_inputs,):
            raise ModelError(f"values of shape {inputs.shape} are not the {self._n_inputs} that are read")
        out = np.empty(self.n_forests * self.n_pairs)
        score_pairs(self.tables(), self.word, inputs, out)
        return out.reshape(self.n_forests, self.n_pairs)

    def tables(self) -> Ints:
        """The addresses of all tables, with a room for each thread, as ``score_pairs`` wants them."""
        try:
            tables: Ints = self._own.tables
        except AttributeError:
            self._own.room = room_for(self._asked, self._layout)
            tables = self._own.tables = addresses(self._asked, self._layout, self._left, self._right, self._own.room)
        return tables
