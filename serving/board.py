"""Every column that some parts read of the pairs of an assortment, laid out by how often it has to be computed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from features.feature import Group
from features.vector import FEATURES
from serving.assortment import KEYED, OWN, STILL, Assortment, Factors
from serving.columns import HOUR, INCENTIVE, INCOME, MARGIN, WINDOW, Derived, On, Texts, Told
from serving.slots import laid_out
from serving.trees.prepared import CUSTOMER
from serving.trees.scorer import STATIC

Matrix = NDArray[np.float32]
Floats = NDArray[np.float64]
Index = NDArray[np.intp]
OFFER = Group.OFFER.value
Value = TypeVar("Value", np.float32, np.float64)
_LABEL = {On.CUSTOMER: CUSTOMER, On.OFFER: OFFER, On.STILL: STATIC}


def _label(group: Group) -> str:
    return CUSTOMER if group in OWN else group.value if group in KEYED else STATIC


_PLACE_IN_OWN = {
    column: place for place, column in enumerate(c for c, feature in enumerate(FEATURES) if feature.group in OWN)
}
"""Where each of the customer's features stands among them."""


class Board:
    """FEATURES and columns that follow from them. Blocks: the customer's row, a row for each key, the pairs' rows."""

    def __init__(self, others: Sequence[Derived], assortment: Assortment, pairs: tuple[Texts, Texts, Texts]) -> None:
        """``pairs``: offer, category and channel of each, as parts file them."""
        self.names = (*(feature.name for feature in FEATURES), *(column.name for column in others))
        self.blocks = (*(_label(feature.group) for feature in FEATURES), *(_LABEL[column.on] for column in others))
        """By column: ``customer``, a keyed group, or ``static``."""
        self._of = {on: [column for column in others if column.on is on] for on in On}
        self._key = assortment.place
        self._example = np.unique(assortment.place[Group.OFFER], return_index=True)[1]
        offset = STILL.start
        incentive, margin, window = (assortment.still[:, column - offset] for column in (INCENTIVE, MARGIN, WINDOW))
        self._content = incentive, margin, window
        self._pairs = pairs
        nothing = np.full((), np.nan, dtype=np.float32)
        still = self._read(On.STILL, Told(nothing, nothing, *self._content, *pairs), len(assortment.pairs))
        self.still = np.hstack([assortment.still, still])
        """Static columns, float32 ``[n_pairs, n]``."""
        shapes = [(1, self.blocks.count(CUSTOMER))]
        shapes += [(len(assortment.keys[group]), self.blocks.count(group.value)) for group in KEYED]
        parts, self._size = laid_out(shapes)
        self._where = dict(zip((CUSTOMER, *(group.value for group in KEYED)), parts, strict=True))

    def place(self, name: str) -> tuple[str, int]:
        """The block of a column, and where it stands in it."""
        column = self.names.index(name)
        return self.blocks[column], self.blocks[:column].count(self.blocks[column])

    def keys(self) -> dict[str, Index]:
        """By keyed group the key of each pair, ``[n_pairs]``."""
        return {group.value: self._key[group] for group in KEYED}

    def filled(self, factors: Factors, organic: Floats | None) -> Matrix:
        """The values of all blocks but the static one, one after the other."""
        flat = np.empty(self._size, dtype=np.float32)
        own = self.block(flat, CUSTOMER)
        n_own = len(factors.own)
        own[0, :n_own] = factors.own
        hour, income = (factors.own[_PLACE_IN_OWN[column]] for column in (HOUR, INCOME))
        for group, values in factors.keyed.items():
            self.block(flat, group.value)[:, : values.shape[1]] = values
        offers, categories, channels = (each[self._example] for each in self._pairs)
        incentive, margin, window = (each[self._example] for each in self._content)
        anyway = None if organic is None else organic[self._example]
        person = np.asarray(hour), np.asarray(income)
        told = Told(*person, incentive, margin, window, offers, categories, channels, anyway)
        if self._of[On.CUSTOMER]:
            own[:, n_own:] = self._read(On.CUSTOMER, told, 1)
        if self._of[On.OFFER]:
            block = self.block(flat, OFFER)
            block[:, block.shape[1] - len(self._of[On.OFFER]) :] = self._read(On.OFFER, told, len(self._example))
        return flat

    def block(self, flat: NDArray[Value], name: str) -> NDArray[Value]:
        """The rows of one block, a view."""
        where, shape = self._where[name]
        return flat[where].reshape(shape)

    def _read(self, on: On, told: Told, n: int) -> Matrix:
        out = np.empty((n, len(self._of[on])), dtype=np.float32)
        for place, column in enumerate(self._of[on]):
            out[:, place] = column.read(told)
        return out
