"""The columns that a part reads of pairs: features and what follows from them, and the group each pair belongs to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from serving.columns import OF_ORGANIC, PLACES, Derived, Matrix, Texts, Told, derived
from serving.typical import OfferPair

Index = NDArray[np.intp]


@dataclass(frozen=True)
class Sheet:
    """What one part reads."""

    columns: tuple[str, ...]
    """Features and other columns, see ``columns.derived``."""
    by: str
    """What groups pairs: ``category`` or ``channel``."""
    groups: tuple[str, ...]
    """The groups that were learnt, each once."""

    @cached_property
    def features(self) -> tuple[tuple[int, int], ...]:
        """Of the columns that are features: place among the columns, and in FEATURES."""
        return tuple((place, PLACES[name]) for place, name in enumerate(self.columns) if name in PLACES)

    @cached_property
    def others(self) -> tuple[tuple[int, Derived], ...]:
        """The other columns with their places. Raises ModelError for a name that means nothing."""
        return tuple((place, derived(name)) for place, name in enumerate(self.columns) if name not in PLACES)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Everything that trees see: the group, too."""
        return (*self.columns, *(f"{self.by}={group}" for group in self.groups))

    @property
    def asks_organic(self) -> bool:
        """Whether p₀ is among the columns."""
        return any(name in OF_ORGANIC for name in self.columns)

    def group(self, pairs: Texts) -> Index:
        """The group of each pair, given what groups them, ``[n]``; the number of groups for one never seen."""
        order = np.argsort(self.groups)
        place = np.minimum(np.searchsorted(np.array(self.groups)[order], pairs), len(self.groups) - 1)
        found: Index = np.where(np.array(self.groups)[order[place]] == pairs, order[place], len(self.groups))
        return found

    def grouped(self, told: Told) -> Index:
        """The group of each pair, ``[n]``."""
        return self.group(told.channel if self.by == "channel" else told.category)

    def own(self, X: Matrix, told: Told) -> Matrix:
        """The columns without the groups, float32 ``[n, len(columns)]``, of whole vectors ``[n, n_features]``."""
        out = np.empty((len(X), len(self.columns)), dtype=np.float32)
        for place, feature in self.features:
            out[:, place] = X[:, feature]
        for place, column in self.others:
            out[:, place] = column.read(told)
        return out

    def wide(self, own: Matrix, group: Index) -> Matrix:
        """What trees see: the columns and the group, float32 ``[n, len(names)]``."""
        return np.hstack([own, (group[:, None] == np.arange(len(self.groups))).astype(np.float32)])


def texts(pairs: Sequence[OfferPair]) -> tuple[Texts, Texts, Texts]:
    """Offers, categories and channels of pairs, ``[n]`` each."""
    offers, categories, channels = zip(*pairs, strict=True) if pairs else ((), (), ())
    return np.array(offers, dtype=np.str_), np.array(categories, dtype=np.str_), np.array(channels, dtype=np.str_)
