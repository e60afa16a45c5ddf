"""What may be expected of somebody of whom nothing is known: how often each offer was taken, shrunk where rare."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
FIRST_RATE = 0.05
"""What is assumed before anything is known: one in twenty."""

OfferPair = tuple[str, str, str]
"""Offer, its category, and channel."""


@dataclass(frozen=True)
class Typical:
    """Shrunken rates, never 0 and never 1; those of pairs are filed under ``<category or offer>|<channel>``."""

    everything: float = FIRST_RATE
    by_category: Mapping[str, float] = field(default_factory=dict)
    by_offer: Mapping[str, float] = field(default_factory=dict)

    def probability(self, pairs: Sequence[OfferPair]) -> Floats:
        """The rate of each pair, ``[n]``; of its category where the offer is new, of all where that is new, too."""
        return np.array([self._rate(*pair) for pair in pairs], dtype=np.float64)

    def _rate(self, offer: str, category: str, channel: str) -> float:
        wider = self.by_category.get(f"{category}|{channel}", self.everything)
        return self.by_offer.get(f"{offer}|{channel}", wider)

    def to_dict(self) -> dict[str, Any]:
        """As JSON; ``from_dict`` reads it back unchanged."""
        return {"everything": self.everything, "categories": dict(self.by_category), "offers": dict(self.by_offer)}

    @staticmethod
    def from_dict(raw: Mapping[str, Any]) -> Typical:
        """What ``to_dict`` wrote. Raises KeyError for a value that is missing."""
        return Typical(float(raw["everything"]), raw["categories"], raw["offers"])
