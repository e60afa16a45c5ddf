"""The customers with all that nobody sees: tastes, habits, patience."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.world.chance import stream
from training.world.parameters import CATEGORIES, MEDIA, Parameters

Floats = NDArray[np.float64]
Index = NDArray[np.intp]
FACTORS = 3
ZONES = ("UTC", "Asia/Kolkata", "America/Bogota")
"""Without daylight saving: a customer's local hour is UTC plus a constant."""
OFFSETS_MIN = (0, 330, -300)


@dataclass(frozen=True, slots=True, eq=False)
class People:
    """Arrays over customers; tastes and rates also over categories, habits over channels."""

    factors: Floats
    """``[n, 3]``: what tastes and profile have in common."""
    taste: Floats
    """``[n, categories]``, about standard normal."""
    drift: Floats
    """What each taste moves in 100 days, ``[n, categories]``."""
    price: Floats
    """Sensitivity to incentives, ``[n]``, median 1."""
    habit: Floats
    """``[n, channels]``, log-odds."""
    peak: Floats
    """Favourite local hour of each channel, ``[n, channels]``."""
    sharp: Floats
    """How much the hour matters, ``[n]``, log-odds."""
    works: NDArray[np.bool_]
    """Spends 9 to 17 on weekdays at work, ``[n]``."""
    missing: Floats
    """Share of missing attention that is still missing a day later, ``[n]``."""
    zone: Index
    """``[n]``, into ZONES."""
    joined: Index
    """Day on which the customer joins, ``[n]``; negative before the market opens."""

    def __len__(self) -> int:
        return len(self.price)

    def taste_on(self, customers: Index, day: int) -> Floats:
        """Tastes of a day, ``[n, categories]``."""
        return self.taste[customers] + self.drift[customers] * (day / 100.0)

    def place(self, customers: Index, hour: Floats, day: int) -> Index:
        """Where they are at a local hour, ``[n]``, into PLACES: home, work or away."""
        weekday = day % 7 < 5
        at_work = self.works[customers] & weekday & (hour >= 9) & (hour < 17)
        away = ~at_work & (hour >= 11) & (hour < 19)
        return np.where(at_work, 1, np.where(away, 2, 0))


def people(parameters: Parameters, seed: int) -> People:
    """The customers of a seed."""
    rng, n = stream(seed, "people"), parameters.customers
    factors = rng.normal(size=(n, FACTORS))
    loadings = rng.normal(0.0, 0.5, (FACTORS, len(CATEGORIES)))
    older = factors[:, :1]
    by_age = np.array([0.3, -0.4, 0.0, -0.3])
    low, high = parameters.recovery
    late = rng.random(n) < parameters.newcomers
    return People(
        factors=factors,
        taste=factors @ loadings + rng.normal(0.0, 0.8, (n, len(CATEGORIES))),
        drift=rng.normal(0.0, parameters.drift, (n, len(CATEGORIES))),
        price=np.exp(0.4 * rng.normal(size=n) - 0.3 * factors[:, 1]),
        habit=older * by_age + rng.normal(0.0, 1.1, (n, len(MEDIA))),
        peak=np.array([medium.peak_hour for medium in MEDIA]) + rng.normal(0.0, 2.5, (n, len(MEDIA))),
        sharp=rng.uniform(0.3, 1.2, n),
        works=rng.random(n) < 0.6,
        missing=rng.uniform(low, high, n),
        zone=rng.integers(0, len(ZONES), n),
        joined=np.where(late, rng.integers(1, max(parameters.days, 2), n), -rng.integers(1, 900, n)),
    )
