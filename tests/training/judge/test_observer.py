"""The observer who knows every law of the market and no customer's inside: what he may claim, and what he may not."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from training.judge.ground import Size
from training.judge.observer.__main__ import played, share, told
from training.judge.observer.nodes import STAGES, TASTES, buying_anyway, buying_today
from training.judge.observer.profiles import Draws
from training.judge.observer.seen import seen
from training.judge.observer.wanting import chain, wanting
from training.world.condition import Condition
from training.world.market import Market
from training.world.organic import organic
from training.world.parameters import CATEGORIES, Inside, Parameters

SMALL = Size(customers=200, days=30, contacts=800)


@pytest.mark.parametrize("inside", list(Inside))
def test_what_the_observer_expects_is_near_the_truth_and_chooses_below_the_oracle(inside: Inside) -> None:
    truth, found = played(inside, 31, SMALL)
    pairs = truth.allowed
    assert found.noticed[pairs].mean() == pytest.approx(truth.noticed[pairs].mean(), rel=0.1)
    assert found.persuaded[pairs].mean() == pytest.approx(truth.persuaded[pairs].mean(), rel=0.25)
    assert found.organic.mean() == pytest.approx(truth.organic.mean(), rel=0.15)
    assert told(found.noticed[pairs], truth.noticed[pairs]) > 0.2
    assert told(found.persuaded[pairs], truth.persuaded[pairs]) > 0.1
    assert 0.0 < share(truth, found.value) < 1.0
    assert share(truth, truth.value) == pytest.approx(1.0)


def test_the_chain_of_stages_is_the_sum_over_every_path() -> None:
    market = Market.of(Parameters(Inside.LOGISTIC, customers=40, days=4), 5)
    for _ in range(4):
        market.morning()
    known = seen(market, np.full(40, 12.0))
    now = chain(market, known)
    here = np.flatnonzero((market.people.joined <= 0) & ~known.bought[:, :, 0].any(axis=0))
    who, moves = int(here[0]), np.array(market.parameters.moves)
    visits = np.array(market.parameters.visit_chance)
    total, last = np.zeros(len(TASTES)), np.zeros((len(TASTES), STAGES))
    for path in product(range(STAGES), repeat=market.day + 1):
        chance, before = np.ones(len(TASTES)), 0
        for day, stage in enumerate(path):
            part = 1.0 if day < market.day else (12.0 - 8.0) / (22.0 - 8.0)
            chance = chance * moves[before, stage] * (1.0 - part * buying_today(market, day)[0, :, stage])
            basket = market.parameters.cart_chance if stage == STAGES - 1 else 0.0
            of_basket = basket if known.carted[day, who, 0] else 1.0 - basket
            seen_it = known.visited[day, who, 0]
            chance = chance * (part * visits[stage] * of_basket if seen_it else 1.0 - part * visits[stage])
            before = stage
        total += chance
        last[:, path[-1]] += chance
    assert now.likely[who, 0] == pytest.approx(np.log(total), abs=1e-9)
    assert now.stage[who, 0] == pytest.approx(last / total[:, None], abs=1e-9)


def test_who_is_told_nothing_expects_the_tastes_that_follow_from_the_factors() -> None:
    market = Market.of(Parameters(Inside.CROOKED, customers=300), 8)
    market.morning()
    factors = market.people.factors[:, None, :]
    found = wanting(market, np.zeros((300, len(CATEGORIES), len(TASTES))), Draws(factors, np.ones((300, 1))))
    fit = np.linalg.lstsq(market.people.factors, market.people.taste, rcond=None)[0]
    mean, middle = found.taste @ TASTES, np.abs(market.people.factors @ fit) < 1.5
    assert mean[middle] == pytest.approx((market.people.factors @ fit)[middle], abs=0.02)
    assert found.factors == pytest.approx(market.people.factors)
    assert found.spread == pytest.approx(np.zeros((300, 3)), abs=1e-9)


def test_between_the_nodes_of_the_hour_what_is_bought_anyway_is_nearly_exact() -> None:
    market = Market.of(Parameters(Inside.LOGISTIC, customers=len(TASTES)), 4)
    market.morning()
    market.people.taste[:] = TASTES[:, None]
    market.people.drift[:] = 0.0
    hour = np.linspace(8.0, 21.0, len(TASTES))
    at, everyone = Condition.fresh(len(TASTES), 3), np.arange(len(TASTES))
    exact = organic(market.parameters, 4, market.people, at, everyone, market.day, hour, 7)
    found = buying_anyway(market, 7, hour, np.zeros((len(TASTES), len(CATEGORIES)), dtype=np.bool_))
    assert found[everyone, :, everyone, 0] == pytest.approx(exact, abs=1e-4)
