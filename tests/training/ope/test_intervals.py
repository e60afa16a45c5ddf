import math

import numpy as np
import pytest

from training.ope.bootstrap import bootstrap
from training.ope.confidence_sequence import confidence_sequence, tightest_at
from training.ope.dr import dr
from training.ope.overlap import Overlap
from training.ope.ratios import Ratios
from training.ope.snips import snips
from training.ope.terms import Terms
from training.ope.wald import wald


def test_the_bootstrap_agrees_with_the_linearised_interval(bandit) -> None:
    market = bandit.of(1)
    terms = snips(market.draw(4_000, seed=3).log(market.policy(0.5, seed=2)))
    drawn, linear = bootstrap(terms, n_draws=400, seed=1), wald(Ratios.of(terms))
    assert drawn is not None
    assert linear is not None
    assert drawn.value == linear.value
    assert drawn.high - drawn.low == pytest.approx(linear.high - linear.low, rel=0.15)


def test_the_bootstrap_of_nothing_has_no_interval() -> None:
    assert bootstrap(Terms(np.zeros(0), np.zeros((0, 1)), np.zeros((0, 1))), n_draws=10, seed=1) is None


def test_the_sequence_is_about_half_as_wide_again_as_the_interval_for_one_look(bandit) -> None:
    market = bandit.of(1)
    ratios = Ratios.of(dr(market.draw(4_000, seed=3).log(market.policy(0.5, seed=2))))
    one, many = wald(ratios), confidence_sequence(ratios, tightest_at(ratios.customers))
    assert one is not None
    assert many is not None
    assert 1.4 < (many.high - many.low) / (one.high - one.low) < 1.7


def test_the_sequence_follows_its_formula() -> None:
    n, rho, alpha = 100, 0.2, 0.05
    values = np.random.default_rng(1).normal(3.0, 2.0, n)
    ratios = Ratios.of(Terms.mean(np.arange(n), values, np.ones(n)))
    half = values.std(ddof=1) * math.sqrt(
        2 * (n * rho**2 + 1) / (n**2 * rho**2) * math.log(math.sqrt(n * rho**2 + 1) / alpha)
    )
    found = confidence_sequence(ratios, rho, alpha)
    assert found is not None
    assert (found.low, found.high) == pytest.approx((values.mean() - half, values.mean() + half))


def test_more_data_give_tighter_intervals(bandit) -> None:
    market = bandit.of(1)
    policy = market.policy(0.5, seed=2)
    ratios = [Ratios.of(dr(market.draw(n, seed=3).log(policy))) for n in (1_000, 16_000)]
    for interval in (wald, lambda r: confidence_sequence(r, 0.05)):
        small, large = (interval(each) for each in ratios)
        assert large.high - large.low < 0.5 * (small.high - small.low)


def test_a_single_customer_has_no_interval() -> None:
    ratios = Ratios.of(Terms.mean(np.zeros(5), np.arange(5.0), np.ones(5)))
    assert wald(ratios) is None
    assert confidence_sequence(ratios, 0.1) is None


def test_overlaps_add_up(bandit) -> None:
    market = bandit.of(1)
    policy = market.policy(1.0, seed=2)
    first, second = (market.draw(n, seed=n).log(policy) for n in (300, 700))
    both = Overlap.of(first) + Overlap.of(second)
    weights = np.concatenate([first.importance, second.importance])
    assert both.rows == 1_000
    assert both.effective_sample == pytest.approx(weights.sum() ** 2 / (weights**2).sum())
    assert both.mean_weight == pytest.approx(weights.mean())
    error = weights.std(ddof=1) / np.sqrt(1_000)
    assert both.off_by == pytest.approx((weights.mean() - 1.0) / error)


def test_matched_positives_of_a_policy_without_chance_are_counted(bandit) -> None:
    market = bandit.of(1)
    drawn = market.draw(2_000, seed=3)
    uniform = np.full(market.logging.shape, 1 / market.logging.shape[1])
    even = type(drawn)(
        type(market)(market.chance, market.pays, uniform), drawn.customer, drawn.segment, drawn.action, drawn.positive
    )
    always_first = np.eye(market.logging.shape[1])[np.zeros(len(market.logging), dtype=int)]
    overlap = Overlap.of(even.log(always_first))
    assert overlap.matched_positives == pytest.approx((drawn.positive & (drawn.action == 0)).sum())
