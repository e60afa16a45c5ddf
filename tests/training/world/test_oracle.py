import numpy as np
import pytest

from training.world.diary import NONE
from training.world.market import Market
from training.world.oracle import best, best_within, earned
from training.world.parameters import Inside, Parameters
from training.world.patience import Patience
from training.world.randomised import asks, randomised


def truth_of(inside: Inside, seed: int):
    market = Market.of(Parameters(inside, customers=800, days=20), seed)
    for _ in range(15):
        market.morning()
    customers, hour = asks(market, 400)
    return market, market.truth(customers, hour), randomised(market, customers, hour, silence=0.0)


@pytest.mark.parametrize("inside", list(Inside))
def test_nothing_earns_more_than_the_oracle_and_response_alone_earns_less_than_silence(inside: Inside) -> None:
    shares, constants = [], []
    for seed in range(4):
        _, truth, random = truth_of(inside, seed)
        most = earned(truth.value, *best(truth.value))
        response = np.where(truth.allowed, truth.noticed * truth.bought, -np.inf)
        rules = {"random": (random.offer, random.channel), "response": best(response)}
        found = {name: earned(truth.value, *choice).mean() / most.mean() for name, choice in rules.items()}
        constant = np.where(truth.allowed, truth.value, 0.0).mean(axis=0).max() / most.mean()
        assert (most >= 0).all()
        assert most.mean() > 0
        assert all(share < 1 for share in found.values())
        constants.append(constant)
        shares.append(found["response"])
    assert np.mean(shares) < 0.0
    assert 0.1 < np.mean(constants) < 0.35


def test_silence_is_chosen_where_nothing_is_worth_a_contact() -> None:
    value = np.array([[[-1.0, -np.inf], [-2.0, -3.0]], [[-1.0, 4.0], [2.0, -3.0]]])
    offer, channel = best(value)
    assert offer.tolist() == [NONE, 0]
    assert channel.tolist() == [NONE, 1]
    assert earned(value, offer, channel).tolist() == [0.0, 4.0]


def test_scarce_channels_and_offers_go_where_they_are_worth_most() -> None:
    value = np.array([[[10.0, 9.0]], [[10.0, 1.0]], [[3.0, 2.0]]])
    plenty = np.full(1, 100.0)
    offer, channel, total = best_within(value, np.array([1.0, 1.0]), plenty, np.ones(value.shape))
    assert channel.tolist() == [1, 0, NONE]
    assert offer.tolist() == [0, 0, NONE]
    assert total == pytest.approx(19.0)
    _, channel, total = best_within(value, np.array([3.0, 3.0]), np.array([1.0]), np.ones(value.shape))
    assert (channel != NONE).sum() == 1
    assert total == pytest.approx(10.0)


def test_with_enough_of_everything_the_programme_is_the_best_of_everyone() -> None:
    market, truth, _ = truth_of(Inside.LOGISTIC, 1)
    few = truth.value[:60]
    many = np.full(few.shape[2], 60.0)
    *choice, total = best_within(few, many, np.full(len(market.offers), 60.0), truth.bought[:60])
    assert earned(few, *choice).sum() == pytest.approx(earned(few, *best(few)).sum())
    assert total == pytest.approx(earned(few, *best(few)).sum())


@pytest.fixture(scope="module")
def patience() -> Patience:
    values = np.random.default_rng(1).gamma(1.5, 10.0, 12)
    return Patience(values, 1.0, wear=0.25, missing=0.93, optout_rested=0.001, optout_weary=0.08)


@pytest.mark.slow
def test_the_programme_solves_its_equation(patience: Patience) -> None:
    speak, worth = patience.solve()
    assert patience.worth(speak) == pytest.approx(worth, rel=1e-6)
    for row, column in ((30, 0), (60, 5), (90, 11)):
        other = speak.copy()
        other[row, column] = ~other[row, column]
        assert patience.worth(other) <= worth + 1e-6


@pytest.mark.slow
def test_a_price_with_a_slope_comes_close_to_the_programme_and_greed_does_not(patience: Patience) -> None:
    _, worth = patience.solve()
    greedy = patience.worth(patience.priced(0.0)) / worth
    flat = max(patience.worth(patience.priced(price)) / worth for price in np.linspace(0, 40, 11))
    sloped = max(
        patience.worth(patience.priced(price, slope)) / worth
        for price in np.linspace(0, 40, 6)
        for slope in np.linspace(-20, 60, 7)
    )
    assert greedy < 0.7
    assert flat > greedy
    assert 0.95 <= sloped <= 1.0 + 1e-6
