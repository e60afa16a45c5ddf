import numpy as np
import pytest

from training.judge.synergy import lines, measured
from training.synergy.sequences import LAGS, Log, after, alone, effects, since_last
from training.world.parameters import MEDIA, Inside

DAY = LAGS[0]


def test_hours_since_count_from_the_last_contact_on_each_channel() -> None:
    hour = np.array([0.0, 10.0, 12.0, 30.0])
    since = since_last(hour, np.array([1, 1, 2, 1]), np.array([0, 1, 0, 0]), 2)
    assert np.isinf(since[0]).all()
    assert (since[1, 0], since[3, 0], since[3, 1]) == (10.0, 30.0, 20.0)
    assert np.isinf(since[2]).all()


def test_a_sequence_is_one_channel_before_another_and_no_third() -> None:
    since = np.array([[10.0, np.inf, np.inf], [10.0, np.inf, 5.0], [np.inf, np.inf, np.inf], [40.0, np.inf, np.inf]])
    log = Log(np.arange(4), np.full(4, 1), since, np.full(4, 12.0), np.ones(4, dtype=bool))
    assert after(log, 0, 1, DAY).tolist() == [True, False, False, False]
    assert after(log, 0, 1, LAGS[1]).tolist() == [False, False, False, True]
    assert alone(log, 1).tolist() == [False, False, True, False]


@pytest.mark.slow
def test_intervals_cover_a_planted_effect_and_an_absent_one() -> None:
    """95 % intervals of 100 seeded logs: at least 88 hold, which chance falls short of once in 500."""
    held = {0.15: 0, 0.0: 0}
    for seed in range(100):
        rng = np.random.default_rng(seed)
        n = 3_000
        customer, first = rng.integers(0, 800, n), rng.integers(0, 3, n)
        since = np.full((n, 3), np.inf)
        since[first == 0, 0], since[first == 1, 2] = 12.0, 12.0
        liking = rng.normal(0.0, 0.05, 800)[customer]
        hour = np.where(first < 2, rng.uniform(8, 16, n), rng.uniform(8, 21, n))  # evenings are better, and quieter
        chance = 0.3 + 0.015 * (hour - 14) + liking + np.where(first == 0, 0.15, 0.0)
        log = Log(customer, np.full(n, 1), since, hour, rng.random(n) < chance)
        found = {each.first: each for each in effects(log, 3)}
        for channel, truth in ((0, 0.15), (2, 0.0)):
            held[truth] += found[channel].low <= truth <= found[channel].high
    assert min(held.values()) >= 88


@pytest.mark.slow
def test_measured_effects_lie_beside_the_market_s_truth() -> None:
    """A small market: nearly all intervals hold the truth, and an e-mail makes the app's message work better."""
    found = measured(Inside.LOGISTIC, 1, 1_500, 30, least=60)
    assert len(found) >= 4
    assert sum(each.covered for each in found) >= 0.7 * len(found)
    names = [medium.name for medium in MEDIA]
    lifted = [e for e in found if (names[e.effect.first], names[e.effect.second]) == ("email", "app")]
    assert all(each.truth > 0.03 for each in lifted)
    others = [e.truth for e in found if e not in lifted]
    assert max(others) < 0.01
    assert "truths lie in their 95 % interval" in "\n".join(lines(found))
