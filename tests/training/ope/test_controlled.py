"""The gain with control variates: right on average, and no noisier than what it is made of."""

from dataclasses import replace

import numpy as np
import pytest

from training.ope.controlled import controlled
from training.ope.dr import dr
from training.ope.log import Log, Modelled
from training.ope.ratios import Ratios
from training.ope.terms import Terms, gain


def of(terms: Terms) -> tuple[float, float]:
    ratios = Ratios.of(terms)
    assert ratios.value is not None
    assert ratios.standard_error is not None
    return ratios.value, ratios.standard_error


def distorted(log: Log, by: float) -> Log:
    """The same log with a reward model that is wrong by so much."""
    model = log.model()
    return replace(log, modelled=Modelled(by * model.chosen, by * model.policy))


def test_over_many_logs_the_gain_is_the_true_one_whatever_the_models_say(bandit) -> None:
    market = bandit.of(1)
    one, other = market.policy(1.0, seed=2), market.policy(0.5, seed=3)
    truth, off = market.value(one) - market.value(other), []
    for seed in range(40):
        drawn = market.draw(1_000, seed=seed)
        value, error = of(controlled(distorted(drawn.log(one), 3.0), distorted(drawn.log(other), -1.0)))
        off.append((value - truth) / error)
    assert abs(np.mean(off)) < 4.0 / np.sqrt(len(off))
    assert np.std(off) == pytest.approx(1.0, abs=0.45)


def test_models_that_disagree_add_no_noise(bandit) -> None:
    market = bandit.of(1)
    drawn = market.draw(20_000, seed=5)
    one, other = drawn.log(market.policy(1.0, seed=2)), drawn.log(market.policy(1.0, seed=3))
    worse = distorted(other, 3.0)
    _, shared = of(gain(dr(one), dr(other)))
    _, apart = of(gain(dr(one), dr(worse)))
    _, error = of(controlled(one, worse))
    assert error < 1.02 * shared
    assert error < 0.98 * apart


def test_a_policy_gains_nothing_over_itself(bandit) -> None:
    market = bandit.of(1)
    drawn = market.draw(2_000, seed=5)
    log = drawn.log(market.policy(1.0, seed=2))
    value, error = of(controlled(log, log))
    assert value == pytest.approx(0.0, abs=1e-12)
    assert error == pytest.approx(0.0, abs=1e-12)
