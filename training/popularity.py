"""The baseline that knows nobody: how often an offer was taken so far, shrunk to its category and to all offers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
FIRST_TAKEN, FIRST_CONTACTS = 1.0, 20.0
"""What is assumed before anything is known: one in twenty."""
STRENGTH = 50.0
"""Contacts with which a category is shrunk to all offers, and an offer on a channel to its category there."""

Pair = tuple[str, str, str]
"""Offer, its category, and channel."""


@dataclass(frozen=True)
class Popularity:
    """Shrunken rates, never 0 and never 1."""

    everything: float
    by_category: Mapping[tuple[str, str], float]
    by_offer: Mapping[tuple[str, str], float]

    def probability(self, pairs: Sequence[Pair]) -> Floats:
        """The rate of each pair, ``[n]``; of its category where the offer is new, of all where that is new, too."""
        return np.array([self._rate(*pair) for pair in pairs], dtype=np.float64)

    def _rate(self, offer: str, category: str, channel: str) -> float:
        wider = self.by_category.get((category, channel), self.everything)
        return self.by_offer.get((offer, channel), wider)


def popularity(pairs: Sequence[Pair], taken: NDArray[np.bool_], weight: Floats) -> Popularity:
    """The rates that these rows show, each weighted; no rows give the first assumption."""
    everything = _shrunk(float(weight @ taken), float(weight.sum()), FIRST_TAKEN / FIRST_CONTACTS, FIRST_CONTACTS)
    categories = _tally([(category, channel) for _, category, channel in pairs], taken, weight)
    by_category = {key: _shrunk(t, n, everything, STRENGTH) for key, (t, n) in categories.items()}
    offers = _tally([(offer, channel) for offer, _, channel in pairs], taken, weight)
    category_of = {(offer, channel): (category, channel) for offer, category, channel in pairs}
    by_offer = {key: _shrunk(t, n, by_category[category_of[key]], STRENGTH) for key, (t, n) in offers.items()}
    return Popularity(everything, by_category, by_offer)


def _tally(
    keys: Sequence[tuple[str, str]], taken: NDArray[np.bool_], weight: Floats
) -> dict[tuple[str, str], tuple[float, float]]:
    found: dict[tuple[str, str], tuple[float, float]] = {}
    for key, y, w in zip(keys, taken.tolist(), weight.tolist(), strict=True):
        t, n = found.get(key, (0.0, 0.0))
        found[key] = t + y * w, n + w
    return found


def _shrunk(taken: float, contacts: float, prior: float, strength: float) -> float:
    return (taken + strength * prior) / (contacts + strength)
