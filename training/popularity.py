"""The baseline that knows nobody: how often an offer was taken so far, shrunk to its category and to all offers.

What goes into service keeps the same rates for customers of whom nothing is known.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from serving.typical import FIRST_RATE, OfferPair, Typical

Floats = NDArray[np.float64]
FIRST_CONTACTS = 20.0
"""Contacts with which all offers are shrunk to the first assumption."""
STRENGTH = 50.0
"""Contacts with which a category is shrunk to all offers, and an offer on a channel to its category there."""


def popularity(pairs: Sequence[OfferPair], taken: NDArray[Any], weight: Floats) -> Typical:
    """The rates that these rows show, each weighted; no rows give the first assumption. ``taken`` is 0–1.

    A row that stands for many is still one contact: a rate is shrunk by its effective number of rows (Kish 1965).
    """
    taken_of_all, of_all = _tally(["all"] * len(pairs), taken, weight).get("all", (0.0, 0.0))
    everything = _shrunk(taken_of_all, of_all, FIRST_RATE, FIRST_CONTACTS)
    categories = _tally([f"{category}|{channel}" for _, category, channel in pairs], taken, weight)
    by_category = {key: _shrunk(t, n, everything, STRENGTH) for key, (t, n) in categories.items()}
    offers = _tally([f"{offer}|{channel}" for offer, _, channel in pairs], taken, weight)
    category_of = {f"{offer}|{channel}": f"{category}|{channel}" for offer, category, channel in pairs}
    by_offer = {key: _shrunk(t, n, by_category[category_of[key]], STRENGTH) for key, (t, n) in offers.items()}
    return Typical(everything, by_category, by_offer)


def _tally(keys: Sequence[str], taken: NDArray[Any], weight: Floats) -> dict[str, tuple[float, float]]:
    """By key the weighted share taken times the effective number of rows, and that number, (Σw)² / Σw²."""
    found: dict[str, tuple[float, float, float]] = {}
    for key, y, w in zip(keys, taken.tolist(), weight.tolist(), strict=True):
        t, n, squares = found.get(key, (0.0, 0.0, 0.0))
        found[key] = t + y * w, n + w, squares + w * w
    return {key: (t * n / squares, n * n / squares) for key, (t, n, squares) in found.items()}


def _shrunk(taken: float, contacts: float, prior: float, strength: float) -> float:
    return (taken + strength * prior) / (contacts + strength)
