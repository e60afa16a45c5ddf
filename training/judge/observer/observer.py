"""The value of every pair to somebody who sees all events and profiles and knows every law and number of the market.

No learner can do better, save by luck: the observer knows the levels, the seasons and the qualities of offers, which
learners have to learn, and of each customer what events tell. Left out, since it tells little: how a taste moved while
events were gathered, and what purchases say of price sensitivity. That what he expects comes about shows his honesty.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from training.judge.observer.nodes import PRICES, buying_anyway, persuading
from training.judge.observer.noticing import Noticing, noticing
from training.judge.observer.profiles import draws
from training.judge.observer.seen import Seen, seen
from training.judge.observer.wanting import Chain, Wanting, chain, wanting
from training.world.market import Market
from training.world.parameters import APP, EMAIL, MEDIA
from training.world.people import Floats, Index

OF_FACTORS, OF_HABITS = 250, 250
"""Draws per customer."""
PRICE_NOISE, PRICE_OF_INCOME = 0.4, -0.3
"""The logarithm of price sensitivity given the second factor."""


@dataclass(frozen=True, slots=True, eq=False)
class Expected:
    """Of every pair, ``[n, offers, channels]``; ``organic`` is ``[n, offers]``."""

    noticed: Floats
    persuaded: Floats
    organic: Floats
    value: Floats
    """Minor units, whether it is allowed or not."""


def expected(market: Market, customers: pa.Table, who: Index, hour: Floats, seed: int) -> Expected:
    """What may be expected of these customers at their local hours of today.

    ``customers`` are the profiles of all the market's customers, in their order.
    """
    rng = np.random.default_rng(seed)
    all_hours = np.zeros(len(market.people))
    all_hours[who] = hour
    known = seen(market, all_hours)
    told = chain(market, known)
    of_factors = draws(customers, OF_FACTORS, rng)
    first = wanting(market, told.likely, of_factors)
    looks = noticing(market, known.said, draws(customers, OF_HABITS, rng), first.taste, rng)
    wants = wanting(market, told.likely + looks.likely, of_factors)
    return _together(market, known, told, wants, looks, who, hour)


def _together(
    market: Market, known: Seen, told: Chain, wants: Wanting, looks: Noticing, who: Index, hour: Floats
) -> Expected:
    offers, shape = market.offers, (len(who), len(market.offers), len(MEDIA))
    found = Expected(*(np.zeros(s) for s in (shape, shape, shape[:2], shape)))
    state = wants.taste[who][..., None] * told.stage[who]
    promised = told.to_come(market.day)[who][..., None]
    anyway = {
        window: 1.0 - (1.0 - buying_anyway(market, window, hour, known.bought[-1][who])) * (1.0 - promised)
        for window in np.unique(offers.window).tolist()
    }
    lifted = 24.0 * market.day + hour - looks.contacted[who, EMAIL] < market.parameters.lift_hours
    tables = [np.stack([persuading(market, price, on) for price in PRICES]) for on in (False, True)]
    sensitive = _prices(wants, who)
    optout = looks.optout(market)[who] * market.parameters.optout_cost_minor
    for offer in range(len(offers)):
        category, p0 = int(offers.category[offer]), anyway[int(offers.window[offer])][:, offers.category[offer]]
        pi = [np.tensordot(sensitive, table[:, :, :, offer], 1) for table in tables]
        pi_now = pi[0]
        pi_now[:, :, :, APP] = np.where(lifted[:, None, None], pi[1][:, :, :, APP], pi[0][:, :, :, APP])
        v, at = looks.chance(market, offer, who, hour), state[:, category]
        margin, incentive = offers.margin[offer], offers.incentive[offer]
        gained = (1.0 - p0)[..., None] * pi_now
        once_noticed = gained * (margin - incentive) - p0[..., None] * incentive
        unnoticed = -float(offers.automatic[offer]) * incentive * p0
        found.organic[:, offer] = (at * p0).sum(axis=(1, 2))
        found.noticed[:, offer] = np.einsum("nk,nck->nc", at.sum(axis=2), v)
        found.persuaded[:, offer] = np.einsum("nks,nksc->nc", at, pi_now)
        value = np.einsum("nks,nck,nksc->nc", at, v, once_noticed) + np.einsum(
            "nks,nck,nks->nc", at, 1.0 - v, unnoticed
        )
        found.value[:, offer] = value - np.array([medium.cost_minor for medium in MEDIA]) - optout[:, None]
    return found


def _prices(wants: Wanting, who: Index) -> Floats:
    """Chance of every node of ``PRICES``, ``[len(who), prices]``."""
    mean = PRICE_OF_INCOME * wants.factors[who, 1]
    variance = PRICE_NOISE**2 + PRICE_OF_INCOME**2 * wants.spread[who, 1]
    found = np.exp(-0.5 * (PRICES - mean[:, None]) ** 2 / variance[:, None])
    weight: Floats = found / found.sum(axis=1, keepdims=True)
    return weight
