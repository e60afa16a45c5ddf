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


@cache
def _noticed(seed: int, inside: Inside) -> tuple[np.ndarray, ...]:
    """Noticed random contacts: content columns, offer, true chance of buying, bought."""
    market, rng, rows = Market.of(Parameters(inside, customers=800, days=40), seed), np.random.default_rng(seed), []
    for _ in range(40):
        market.morning()
        contacts = randomised(market, *asks(market, 200), silence=0.0)
        known = market.truth(contacts.customer, contacts.hour)
        i = np.flatnonzero(market.act(contacts))
        offer, channel = contacts.offer[i], contacts.channel[i]
        share = market.offers.incentive[offer] / market.offers.margin[offer]
        X = np.column_stack(
            [np.eye(len(CATEGORIES))[market.offers.category[offer]], np.eye(len(MEDIA))[channel], share]
        )
        content = np.column_stack([X, np.log(market.offers.window[offer])])
        rows.append((content, offer, known.bought[i, offer, channel]))
    content, offer, chance = (np.concatenate(each) for each in zip(*rows, strict=True))
    return content.astype(np.float32), offer, chance, rng.random(len(chance)) < chance


def _model(content: np.ndarray, taken: np.ndarray) -> Linear:
    return fit_linear(content, taken, np.ones(len(taken)), softness=0.1)


@pytest.mark.proof(name="new_offer")
@pytest.mark.parametrize("outcomes", [0, 30])
def test_the_truth_about_a_new_offer_lies_in_its_interval(outcomes: int, record_property) -> None:
    # 95 % intervals: fewer than 45 of 50 have a chance below 4 %, fewer than 3 of 4 below 2 %.
    seeds, least = (50, 45) if read_settings(os.environ).proof_size == "full" else (4, 3)
    inside = 0
    newcomer = 17  # comes on day 30 of 40
    for seed in range(seeds):
        content, offer, chance, taken = _noticed(seed, list(Inside)[seed % 2])
        old = offer != newcomer
        model = _model(content[old], taken[old])
        said = unseen(content[old], taken[old], offer[old], softness=0.1)
        weights = spread_weights(said, taken[old].astype(float), offer[old].astype(str).tolist())
        own, score = np.flatnonzero(~old), model.raw(content[~old])
        told = own[:outcomes]
        found = expected(score, score[: len(told)], taken[told].astype(float), weights, seed=seed)
        assert found.low > 0.0
        inside += found.low <= chance[own].mean() <= found.high
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
