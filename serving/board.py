"""Every column that some parts read of the pairs of an assortment, laid out by how often it has to be computed."""

from __future__ import annotations

from collections.abc import Sequence

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
        self._copied = [
            (slice(to.start, to.start + of.stop - of.start), of)
            for (to, _), (of, _) in zip(parts, assortment.laid_out, strict=True)
        ]
        """Where the features of each block stand here, and in the factors."""
        self._person = np.array([_PLACE_IN_OWN[HOUR], _PLACE_IN_OWN[INCOME]])

    def place(self, name: str) -> tuple[str, int]:
        """The block of a column, and where it stands in it."""
        column = self.names.index(name)
        return self.blocks[column], self.blocks[:column].count(self.blocks[column])

    def keys(self) -> dict[str, Index]:
        """By keyed group the key of each pair, ``[n_pairs]``."""
        return {group.value: self._key[group] for group in KEYED}

    def filled(self, factors: Factors, organic: Floats | None) -> Floats:
        """The values of all blocks but the static one, one after the other, each column by column."""
        flat = np.empty(self._size)
        for to, of in self._copied:
            flat[to] = factors.flat[of]
        offers, categories, channels = (each[self._example] for each in self._pairs)
        incentive, margin, window = (each[self._example] for each in self._content)
        anyway = None if organic is None else organic[self._example]
        person = flat[self._person].astype(np.float32)
        told = Told(person[:1], person[1:], incentive, margin, window, offers, categories, channels, anyway)
        for on, block in ((On.CUSTOMER, CUSTOMER), (On.OFFER, OFFER)):
            if self._of[on]:
                here = self.block(flat, block)
                here[:, here.shape[1] - len(self._of[on]) :] = self._read(on, told, len(here))
        return flat

    def block(self, flat: Floats, name: str) -> Floats:
        """The rows of one block, a view ``[n_keys, n]``."""
        where, (n_keys, width) = self._where[name]
        return flat[where].reshape(width, n_keys).T

    def _read(self, on: On, told: Told, n: int) -> Matrix:
        out = np.empty((n, len(self._of[on])), dtype=np.float32)
        for place, column in enumerate(self._of[on]):
            out[:, place] = column.read(told)
        return out
