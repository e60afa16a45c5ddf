"""The market's own laws on a grid: moods and customers that stand for a taste, a stage, a price sensitivity."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from training.world import crooked, logistic
from training.world.condition import Condition
from training.world.market import Market
from training.world.mood import Mood
from training.world.organic import chance_today, organic
from training.world.parameters import APP, CATEGORIES, MEDIA, Inside
from training.world.people import Floats, Index, People

TASTES = np.linspace(-4.2, 4.2, 29)
"""Nodes of a customer's taste of today; what it moved since the log began is left out."""
PRICES = np.linspace(-2.0, 2.0, 21)
"""Nodes of the logarithm of price sensitivity."""
STAGES = 3
HOURS = (8.0, 11.5, 15.0, 18.5, 22.0)


def buying_today(market: Market, day: int) -> Floats:
    """Chance of a purchase on that day, ``[categories, tastes, stages]``."""
    chance = chance_today(market.parameters, market.seed, _people(market), np.arange(len(TASTES)), day)
    return chance.transpose(1, 0, 2)


def persuading(market: Market, price: float, lifted: bool) -> Floats:
    """π of every pair by taste of its category and stage, ``[tastes, stages, offers, channels]``."""
    way = np.zeros((len(TASTES), len(MEDIA)), dtype=np.bool_)
    way[:, APP] = lifted
    law = logistic.persuade if market.parameters.inside is Inside.LOGISTIC else crooked.persuade
    found = []
    for stage in range(STAGES):
        mood = Mood(
            taste=np.repeat(TASTES[:, None], len(CATEGORIES), axis=1),
            stage=np.full((len(TASTES), len(CATEGORIES)), stage),
            price=np.full(len(TASTES), np.exp(price)),
            habit=np.zeros(way.shape),
            hours_off=np.zeros(way.shape),
            sharp=np.zeros(len(TASTES)),
            place=np.zeros(len(TASTES), dtype=np.intp),
            attention=np.ones(len(TASTES)),
            lifted=way,
            clashes=np.zeros(way.shape, dtype=np.bool_),
        )
        found.append(law(market.parameters, market.offers, mood))
    return np.stack(found, axis=1)


def buying_anyway(
    market: Market, window: int, hour: Floats, done: np.ndarray[tuple[int], np.dtype[np.bool_]]
) -> Floats:
    """p₀ by category, taste and stage for customers at their hours, ``[n, categories, tastes, stages]``.

    ``done``, ``[n, categories]``, says who has bought today. Between nodes of the hour it is interpolated.
    """
    tables = np.stack([[_anyway(market, window, at, bought) for at in HOURS] for bought in (False, True)])
    place = np.clip(np.interp(hour, HOURS, np.arange(len(HOURS))), 0, len(HOURS) - 1 - 1e-9)
    low, share = place.astype(np.intp), (place % 1.0)[:, None, None, None]
    of = (1.0 - share) * tables[:, low] + share * tables[:, low + 1]
    found: Floats = np.where(done[:, :, None, None], of[1], of[0])
    return found


def _anyway(market: Market, window: int, hour: float, bought: bool) -> Floats:
    found = []
    for stage in range(STAGES):
        at = Condition.fresh(len(TASTES), market.parameters.cap_per_week)
        at.stage[:] = stage
        at.bought[:] = 0.0 if bought else np.inf
        everyone = np.arange(len(TASTES))
        now = (everyone, market.day, np.full(len(TASTES), hour), window)
        found.append(organic(market.parameters, market.seed, _people(market), at, *now))
    return np.stack(found, axis=2).transpose(1, 0, 2)


def _people(market: Market) -> People:
    """Customers that stand for the nodes."""
    same: Index = np.zeros(len(TASTES), dtype=np.intp)
    taste = np.repeat(TASTES[:, None], len(CATEGORIES), axis=1)
    return replace(market.people, price=market.people.price[same], taste=taste, drift=np.zeros_like(taste))
