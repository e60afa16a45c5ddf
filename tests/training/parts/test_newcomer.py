import os
from functools import cache

import numpy as np
import pytest

from serving.linear import Linear
from serving.settings import read_settings
from training.parts.newcomer import STRAY, expected, spread_weights, unseen
from training.regression import fit_linear
from training.world.market import Market
from training.world.parameters import CATEGORIES, MEDIA, Inside, Parameters
from training.world.randomised import asks, randomised

NEWCOMER = 17
"""The offer that comes on day 30 of 40."""


@cache
def _noticed(seed: int, inside: Inside) -> tuple[np.ndarray, ...]:
    """Noticed random contacts: content, offer, bought; then content and true chance of the new offer in their place.

    What a new offer is worth is its rate among all who would notice it while it is there: that of the two dozen who
    happened to get it would mostly tell who they were.
    """
    market, rng = Market.of(Parameters(inside, customers=800, days=40), seed), np.random.default_rng(seed)
    rows, asked = [], []
    for day in range(40):
        market.morning()
        contacts = randomised(market, *asks(market, 200), silence=0.0)
        known = market.truth(contacts.customer, contacts.hour)
        i = np.flatnonzero(market.act(contacts))
        offer, channel = contacts.offer[i], contacts.channel[i]
        chance = known.bought[i, offer, channel]
        rows.append((_content(market, offer, channel), offer, rng.random(len(i)) < chance))
        if day >= market.offers.first_day[NEWCOMER]:
            said = np.flatnonzero(contacts.offer >= 0)
            would = said[rng.random(len(said)) < known.noticed[said, NEWCOMER, contacts.channel[said]]]
            new, channel = np.full(len(would), NEWCOMER), contacts.channel[would]
            asked.append((_content(market, new, channel), known.bought[would, NEWCOMER, channel]))
    return (*_together(rows), *_together(asked))


def _together(parts: list[tuple[np.ndarray, ...]]) -> list[np.ndarray]:
    return [np.concatenate(each) for each in zip(*parts, strict=True)]


def _content(market: Market, offer: np.ndarray, channel: np.ndarray) -> np.ndarray:
    offers = market.offers
    share = offers.incentive[offer] / offers.margin[offer]
    kinds = [np.eye(len(CATEGORIES))[offers.category[offer]], np.eye(len(MEDIA))[channel]]
    return np.column_stack([*kinds, share, np.log(offers.window[offer])]).astype(np.float32)


def _model(content: np.ndarray, taken: np.ndarray) -> Linear:
    return fit_linear(content, taken, np.ones(len(taken)), softness=0.1)


@pytest.mark.slow
@pytest.mark.proof(name="new_offer")
@pytest.mark.parametrize("outcomes", [0, 30])
def test_the_truth_about_a_new_offer_lies_in_its_interval(outcomes: int, record_property) -> None:
    # 95 % intervals: fewer than 45 of 50 have a chance below 4 %, fewer than 3 of 4 below 2 %.
    seeds, least = (50, 45) if read_settings(os.environ).proof_size == "full" else (4, 3)
    inside = 0
    for seed in range(seeds):
        content, offer, taken, asked, chance = _noticed(seed, list(Inside)[seed % 2])
        old = offer != NEWCOMER
        model = _model(content[old], taken[old])
        said = unseen(content[old], taken[old], offer[old], softness=0.1)
        weights = spread_weights(said, taken[old].astype(float), offer[old].astype(str).tolist())
        told = np.flatnonzero(~old)[:outcomes]
        own = model.raw(content[told]) if len(told) else np.zeros(0)
        found = expected(model.raw(asked), own, taken[told].astype(float), weights, seed=seed)
        assert found.low > 0.0
        inside += found.low <= chance.mean() <= found.high
    record_property(f"inside_after_{outcomes}", f"{inside} of {seeds}")
    assert inside >= least


def test_evidence_narrows_what_is_expected() -> None:
    weights, rng = np.full(len(STRAY), 1.0 / len(STRAY)), np.random.default_rng(1)
    asked = np.full(100, -2.0)
    widths = []
    for n in (0, 50, 5_000):
        found = expected(asked, np.full(n, -2.0), (rng.random(n) < 0.2).astype(float), weights, seed=0)
        widths.append(found.high - found.low)
    assert widths[0] > widths[1] > widths[2]
    assert found.low < 0.2 < found.high
