"""Made-up offers and customers to be scored. Needs nothing but numpy, as the process whose memory is measured does."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from serving.trees.scorer import CUSTOMER, STATIC

Matrix = NDArray[np.float32]

SIZES = {CUSTOMER: 28, "category": 9, "offer": 5, "channel": 4, "moment": 3, STATIC: 11}
GROUPS = [group for group, size in SIZES.items() for _ in range(size)]
NAMES = [f"{group}_{place}" for group, size in SIZES.items() for place in range(size)]
ON_CHANNEL = 4
"""Static columns that belong to the channel; the others belong to the offer."""
CATEGORIES, CHANNELS = 40, 4


@dataclass(frozen=True)
class Catalogue:
    """Offers, their categories, and what is known of offers and channels."""

    category: NDArray[np.intp]
    offers: Matrix
    channels: Matrix

    @staticmethod
    def of(rng: np.random.Generator, n_offers: int) -> Catalogue:
        offers = rng.gamma(2, 1, (n_offers, SIZES[STATIC] - ON_CHANNEL))
        offers[:, 5], offers[:, 6] = offers[:, 5] > 2, offers[:, 6].round()
        channels = rng.random((CHANNELS, ON_CHANNEL))
        return Catalogue(rng.integers(0, CATEGORIES, n_offers), offers.astype("f4"), channels.astype("f4"))

    def pairs(self) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Offer and channel of each pair."""
        offer, channel = np.divmod(np.arange(len(self.offers) * CHANNELS), CHANNELS)
        return offer, channel

    def static(self) -> Matrix:
        offer, channel = self.pairs()
        return np.hstack([self.offers[offer], self.channels[channel]])

    def keys(self) -> dict[str, NDArray[np.intp]]:
        offer, channel = self.pairs()
        return {"category": self.category[offer], "offer": offer, "channel": channel, "moment": channel}


@dataclass(frozen=True)
class Request:
    """One customer: own columns, and those of the past by key."""

    customer: Matrix
    keyed: dict[str, Matrix]

    @staticmethod
    def of(rng: np.random.Generator, n_offers: int) -> Request:
        customer = rng.gamma(1.5, 2, SIZES[CUSTOMER])
        customer[rng.random(len(customer)) < 0.1] = np.nan
        past = {
            "category": (CATEGORIES, 0.4),
            "offer": (n_offers, 0.15),
            "channel": (CHANNELS, 1),
            "moment": (CHANNELS, 1),
        }
        keyed = {}
        for name, (n, touched) in past.items():
            values = rng.gamma(1, 3, (n, SIZES[name]))
            never = rng.random(n) >= touched
            values[never, :-2], values[never, -2] = 0.0, np.nan
            keyed[name] = values.astype("f4")
        keyed["moment"][:, 0] = rng.integers(0, 24, CHANNELS)
        return Request(customer.astype("f4"), keyed)

    def rows(self, catalogue: Catalogue) -> Matrix:
        """The matrix that a model over whole rows needs."""
        static, keys = catalogue.static(), catalogue.keys()
        own = np.tile(self.customer, (len(static), 1))
        return np.hstack([own, *(self.keyed[name][keys[name]] for name in self.keyed), static])
