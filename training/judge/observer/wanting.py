"""What customers want, as far as events tell: a hidden Markov chain of stages for every taste, then tastes together.

Of every category the chain runs once per node of the taste (forward algorithm; Rabiner, *Proc. IEEE* 1989). Purchases
that contacts bring about compete with those of one's own accord; a click tells which it may become. Categories hang
together through the factors that tastes share, and those through the profile.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from training.judge.observer.nodes import STAGES, TASTES, buying_today, persuading
from training.judge.observer.profiles import Draws
from training.judge.observer.seen import Said, Seen
from training.world.market import Market
from training.world.organic import share_by
from training.world.parameters import Parameters
from training.world.people import Floats, Index

AT_ONCE = 200
LEAST = 1e-300


@dataclass(slots=True, eq=False)
class Chain:
    """What events say of every customer and category; arrays are ``[n, categories, tastes]`` at least."""

    likely: Floats
    """Log-likelihood of all that was seen."""
    stage: Floats
    """Chance of each stage at each taste, ``[..., stages]``."""
    brought: Floats
    """Chance that the latest contact has persuaded; its purchase may be still to come."""
    since: Index
    """Day of that contact, ``[n, categories]``; far in the past where there is none."""
    window: Index
    """Days of its offer, ``[n, categories]``."""

    def to_come(self, day: int) -> Floats:
        """Chance that a purchase brought about is still to come, ``[n, categories, tastes]``."""
        late = 1.0 - self._by(day)[:, :, None]
        found: Floats = self.brought * late / np.maximum(self.brought * late + 1.0 - self.brought, LEAST)
        return found

    def due(self, day: int) -> Floats:
        """Chance that it comes on this day, given that it has not come before."""
        before, after = self._by(day - 1)[:, :, None], self._by(day)[:, :, None]
        found: Floats = self.brought * (after - before) / np.maximum(1.0 - self.brought * before, LEAST)
        return found

    def _by(self, day: int) -> Floats:
        """Share of purchases brought about that have come by the evening of a day, ``[n, categories]``."""
        passed = np.maximum(day - self.since, 0) / np.maximum(self.window - 1, 1)
        found: Floats = np.sqrt(np.minimum(passed, 1.0))
        return found


def chain(market: Market, known: Seen) -> Chain:
    """The chain over all days so far."""
    n, categories = known.bought.shape[1:]
    shape = (n, categories, len(TASTES))
    now = Chain(
        np.zeros(shape),
        np.zeros((*shape, STAGES)),
        np.zeros(shape),
        np.full((n, categories), -1_000),
        np.full((n, categories), 7),
    )
    now.stage[..., 0] = 1.0
    moves, pi = np.array(market.parameters.moves), persuading(market, 0.0, lifted=False)
    for day in range(market.day + 1):
        now.stage = now.stage @ moves
        if day:
            now.stage[known.bought[day - 1]] = np.eye(STAGES)[0]
        _saw(market, known, now, day)
        told = known.said.of((known.said.day == day) & known.said.noticed)
        if len(told.customer):
            _noticed(market, told, now, pi[:, :, told.offer, told.channel].transpose(2, 0, 1))
    return now


def _saw(market: Market, known: Seen, now: Chain, day: int) -> None:
    """Purchases, visits and baskets of a day, of those who were there."""
    part = np.ones(len(known.hour)) if day < market.day else share_by(known.hour)
    part = part[:, None, None, None]
    own = 1.0 - buying_today(market, day)
    bought = part * (1.0 - own * (1.0 - now.due(day)[..., None]))
    seen = np.where(known.bought[day][..., None, None], bought, 1.0 - bought)
    seen = seen * _visited(market.parameters, known, day, part)
    here = market.people.joined <= day
    stage = now.stage[here] * seen[here]
    total = np.maximum(stage.sum(axis=-1), LEAST)
    now.likely[here] += np.log(total)
    now.stage[here] = stage / total[..., None]
    now.since[known.bought[day]] = -1_000
    now.brought[known.bought[day]] = 0.0


def _visited(parameters: Parameters, known: Seen, day: int, part: Floats) -> Floats:
    visit = np.array(parameters.visit_chance) * part
    deciding = np.arange(STAGES) == STAGES - 1
    cart = np.where(deciding, parameters.cart_chance, 0.0)
    with_it = np.where(known.carted[day][..., None, None], cart, 1.0 - cart)
    return np.where(known.visited[day][..., None, None], visit * with_it, 1.0 - visit)


def _noticed(market: Market, told: Said, now: Chain, pi: Floats) -> None:
    """A contact that was noticed: a click, or none, tells of taste and stage."""
    parameters, place = market.parameters, (told.customer, market.offers.category[told.offer])
    clicked = told.clicked[:, None, None]
    chances = parameters.clicked_if_persuaded, parameters.clicked_otherwise
    so, not_so = (np.where(clicked, chance, 1.0 - chance) for chance in chances)
    like = pi * so + (1.0 - pi) * not_so
    stage = now.stage[place] * like
    total = stage.sum(axis=-1)
    now.likely[place] += np.log(total)
    now.stage[place] = stage / total[..., None]
    now.brought[place] = (now.stage[place] * pi * so / like).sum(axis=-1)
    now.since[place], now.window[place] = told.day, market.offers.window[told.offer]


@dataclass(frozen=True, slots=True, eq=False)
class Wanting:
    """What is known of tastes."""

    taste: Floats
    """Chance of every node, ``[n, categories, tastes]``."""
    factors: Floats
    """Mean of each factor, ``[n, 3]``."""
    spread: Floats
    """Variance of each factor, ``[n, 3]``."""


def wanting(market: Market, likely: Floats, drawn: Draws) -> Wanting:
    """Tastes given the profile and a log-likelihood of every node, ``[n, categories, tastes]``."""
    # The loadings and what is left over, as they are among these customers.
    loadings = np.linalg.lstsq(market.people.factors, market.people.taste, rcond=None)[0]
    today = market.people.taste_on(np.arange(len(market.people)), market.day)
    rest = (today - market.people.factors @ loadings).std(axis=0)
    like = np.exp(likely - likely.max(axis=2, keepdims=True))
    taste, factors = np.zeros_like(likely), np.zeros((len(likely), drawn.factors.shape[2]))
    spread = np.zeros_like(factors)
    for start in range(0, len(likely), AT_ONCE):
        rows = slice(start, start + AT_ONCE)
        mean = drawn.factors[rows] @ loadings
        prior = np.exp(-0.5 * ((TASTES - mean[..., None]) / rest[:, None]) ** 2)
        both = prior / prior.sum(axis=-1, keepdims=True) * like[rows, None]
        fit = both.sum(axis=-1)
        weight = drawn.weight[rows] * np.exp(np.log(fit).sum(axis=2) - np.log(fit).sum(axis=2).max(axis=1)[:, None])
        weight /= weight.sum(axis=1, keepdims=True)
        taste[rows] = np.einsum("ns,nsck->nck", weight, both / fit[..., None])
        factors[rows] = np.einsum("ns,nsf->nf", weight, drawn.factors[rows])
        spread[rows] = np.einsum("ns,nsf->nf", weight, drawn.factors[rows] ** 2) - factors[rows] ** 2
    return Wanting(taste, factors, spread)
