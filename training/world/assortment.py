"""The offers, with the quality that nobody sees; some come only later."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.world.chance import stream
from training.world.parameters import CATEGORIES, MEDIA, Parameters
from training.world.people import Floats, Index


@dataclass(frozen=True, slots=True, eq=False)
class Assortment:
    """Arrays over offers."""

    category: Index
    quality: Floats
    """What customers feel and no table tells, log-odds."""
    margin: Floats
    incentive: Floats
    """Minor units, like the margin."""
    window: Index
    """Days in which a purchase counts."""
    automatic: NDArray[np.bool_]
    carried: NDArray[np.bool_]
    """Whether a channel carries the offer, ``[offers, channels]``."""
    first_day: Index
    stock: Index
    """Acceptances that can be honoured."""

    def __len__(self) -> int:
        return len(self.quality)


def assortment(parameters: Parameters, seed: int) -> Assortment:
    """The offers of a seed: those of the opening day, then one more every so many days."""
    rng = stream(seed, "offers")
    later = np.arange(parameters.new_offer_every_days, parameters.days, parameters.new_offer_every_days)
    n = parameters.offers + len(later)
    carried = rng.random((n, len(MEDIA))) < 0.85
    carried[:, 0] = True
    margin = np.round(rng.uniform(500, 1_800, n))
    return Assortment(
        category=np.arange(n) % len(CATEGORIES),
        quality=rng.normal(0.0, 0.5, n),
        margin=margin,
        incentive=np.round(margin * rng.choice([0.0, 0.15, 0.35, 0.6], n)),
        window=rng.choice(np.array(parameters.windows_days), n),
        automatic=rng.random(n) < 0.3,
        carried=carried,
        first_day=np.concatenate([np.zeros(parameters.offers, dtype=np.intp), later]),
        stock=rng.integers(parameters.customers // 4, parameters.customers, n),
    )
