"""Whether customers look, as far as past contacts tell: weighted draws of habits, hours, places and patience."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from training.judge.observer.nodes import TASTES
from training.judge.observer.profiles import Draws
from training.judge.observer.seen import Said
from training.world import crooked, logistic
from training.world.assortment import Assortment
from training.world.condition import NEVER
from training.world.market import Market
from training.world.mood import mood
from training.world.parameters import MEDIA, Inside
from training.world.people import Floats, Index, People
from training.world.truth import optout

LIKES = np.array([-2.5, -1.2, -0.01, 0.01, 1.2, 2.5])
"""Nodes of the taste at which noticing is asked about; in the crooked market it jumps at 0."""
AT_ONCE = 100


@dataclass(frozen=True, slots=True, eq=False)
class Noticing:
    """What is known of noticing."""

    weight: Floats
    """Of every customer's draws, ``[n, draws]``."""
    people: People
    """The draws as customers, ``[n · draws]``."""
    attention: Floats
    """``[n, draws]``."""
    contacted: Floats
    """Hour of the last contact, ``[n, channels]``."""
    likely: Floats
    """What noticing says of tastes, log-likelihood ``[n, categories, tastes]``."""

    def optout(self, market: Market) -> Floats:
        """Chance that a contact today makes each customer leave, ``[n]``."""
        found: Floats = (self.weight * optout(market.parameters, self.attention)).sum(axis=1)
        return found

    def chance(self, market: Market, offer: int, who: Index, hour: Floats) -> Floats:
        """v of an offer at every node of ``TASTES``, ``[len(who), channels, tastes]``."""
        parts = []
        for start in range(0, len(who), AT_ONCE):
            rows = slice(start, start + AT_ONCE)
            v = _law(market, self.people, self.attention, self.contacted, who[rows], market.day, hour[rows], offer)
            at_nodes = np.einsum("nd,ndgc->ncg", self.weight[who[rows]], v)
            parts.append(_between(at_nodes))
        return np.concatenate(parts)


def noticing(market: Market, said: Said, drawn: Draws, taste: Floats, rng: np.random.Generator) -> Noticing:
    """Learn from all contacts; ``taste`` is the chance of every node as known without them."""
    n, number = drawn.weight.shape
    people, attention = _people(market, drawn, rng), np.ones((n, number))
    contacted, log_weight = np.full((n, len(MEDIA)), NEVER), np.log(np.maximum(drawn.weight, 1e-300))
    likely = np.zeros(taste.shape)
    wear, missing = np.array([medium.wear for medium in MEDIA]), people.missing.reshape(n, number)
    for day in range(market.day):
        attention = 1.0 - (1.0 - attention) * missing
        today = said.of(said.day == day)
        for offer in np.unique(today.offer).tolist():
            told = today.of(today.offer == offer)
            who, category = told.customer, int(market.offers.category[offer])
            v = _law(market, people, attention, contacted, who, day, told.hour, offer)
            v = v[np.arange(len(who)), :, :, told.channel]
            v = np.where(told.noticed[:, None, None], v, 1.0 - v)
            weight = _weights(log_weight[who])
            likely[who, category] += np.log(_between(np.einsum("nd,ndg->ng", weight, v)))
            log_weight[who] += np.log(np.einsum("ndg,ng->nd", v, _at_likes(taste[who, category])))
        attention[today.customer] *= 1.0 - wear[today.channel][:, None]
        contacted[today.customer, today.channel] = 24.0 * day + today.hour
    return Noticing(_weights(log_weight), people, 1.0 - (1.0 - attention) * missing, contacted, likely)


def _people(market: Market, drawn: Draws, rng: np.random.Generator) -> People:
    """Customers as they may be, given the factors: the laws by which the market made them."""
    n, number = drawn.weight.shape
    size, low_high = n * number, market.parameters.recovery
    older = drawn.factors.reshape(size, -1)[:, :1]
    return replace(
        market.people,
        taste=np.repeat(LIKES[None, :], size, axis=0),
        drift=np.zeros((size, len(LIKES))),
        price=np.ones(size),
        habit=older * np.array([0.3, -0.4, 0.0, -0.3]) + rng.normal(0.0, 1.1, (size, len(MEDIA))),
        peak=np.array([medium.peak_hour for medium in MEDIA]) + rng.normal(0.0, 2.5, (size, len(MEDIA))),
        sharp=rng.uniform(0.3, 1.2, size),
        works=rng.random(size) < 0.6,
        missing=rng.uniform(*low_high, size),
    )


def _law(
    market: Market,
    people: People,
    attention: Floats,
    contacted: Floats,
    who: Index,
    day: int,
    hour: Floats,
    offer: int,
) -> Floats:
    """v by draw and node of ``LIKES``, ``[len(who), draws, likes, channels]``."""
    number = attention.shape[1]
    rows = (who[:, None] * number + np.arange(number)).reshape(-1)
    drawn = replace(
        market.condition,
        attention=attention[who].reshape(-1),
        contacted=np.repeat(contacted[who], number, axis=0),
        stage=np.zeros((len(rows), 1), dtype=np.intp),
    )
    own = replace(people, **{name: getattr(people, name)[rows] for name in DRAWN})
    here = mood(market.parameters, own, drawn, np.arange(len(rows)), day, np.repeat(hour, number))
    law = logistic.notice if market.parameters.inside is Inside.LOGISTIC else crooked.notice
    v = law(market.parameters, _liked(market.offers, offer), here)
    return v.reshape(len(who), number, len(LIKES), len(MEDIA))


DRAWN = ("taste", "drift", "price", "habit", "peak", "sharp", "works", "missing")


def _liked(offers: Assortment, offer: int) -> Assortment:
    """The offer once for every node of ``LIKES``."""
    same = np.full(len(LIKES), offer)
    return replace(offers, category=np.arange(len(LIKES)), quality=offers.quality[same])


def _weights(log_weight: Floats) -> Floats:
    weight = np.exp(log_weight - log_weight.max(axis=1, keepdims=True))
    found: Floats = weight / weight.sum(axis=1, keepdims=True)
    return found


def _hats() -> Floats:
    """Straight lines from ``LIKES`` to ``TASTES``, level beyond, ``[likes, tastes]``."""
    return np.array([np.interp(TASTES, LIKES, unit) for unit in np.eye(len(LIKES))])


def _between(at_likes: Floats) -> Floats:
    """From nodes of ``LIKES`` to those of ``TASTES``, on the last axis."""
    return at_likes @ _hats()


def _at_likes(taste: Floats) -> Floats:
    """Chances of tastes as chances of ``LIKES``, on the last axis."""
    return taste @ _hats().T
