"""What every estimator owes: the truth on average, merging, and the identities between them."""

from collections.abc import Callable

import numpy as np
import pytest

from training.ope.clipped import clipped
from training.ope.dr import dr
from training.ope.dros import dros
from training.ope.ips import ips
from training.ope.log import Log, OpeError
from training.ope.ratios import Ratios
from training.ope.snips import snips
from training.ope.switch_dr import switch_dr
from training.ope.terms import Terms, gain

Estimator = Callable[[Log], Terms]
ESTIMATORS: dict[str, Estimator] = {
    "ips": ips,
    "snips": snips,
    "clipped": lambda log: clipped(log, 20.0),
    "dr": dr,
    "switch_dr": lambda log: switch_dr(log, 20.0),
    "dros": lambda log: dros(log, 1_000.0),
}
every_estimator = pytest.mark.parametrize("estimate", ESTIMATORS.values(), ids=ESTIMATORS)


def of(terms: Terms) -> tuple[float, float]:
    ratios = Ratios.of(terms)
    assert ratios.value is not None
    assert ratios.standard_error is not None
    return ratios.value, ratios.standard_error


@every_estimator
def test_an_estimate_lies_near_the_true_value_of_the_policy(estimate: Estimator, bandit) -> None:
    market = bandit.of(1)
    policy = market.policy(0.5, seed=2)
    value, error = of(estimate(market.draw(40_000, seed=3).log(policy)))
    assert abs(value - market.value(policy)) < 4.5 * error  # wrong in less than 1 of 100,000 seeds, were it chance


@every_estimator
def test_shards_by_customer_add_up_to_the_whole(estimate: Estimator, bandit) -> None:
    market = bandit.of(1)
    terms = estimate(market.draw(2_000, seed=3).log(market.policy(1.0, seed=2)))
    shards = [terms.customer % 3 == shard for shard in range(3)]
    parts = [Ratios.of(Terms(terms.customer[s], terms.numerator[s], terms.denominator[s])) for s in shards]
    merged, whole = (parts[2] + parts[0]) + parts[1], Ratios.of(terms)
    assert merged.customers == whole.customers
    assert merged.value == pytest.approx(whole.value, rel=1e-12)
    assert merged.standard_error == pytest.approx(whole.standard_error, rel=1e-12)


@every_estimator
def test_judging_the_logging_policy_itself_gives_the_mean_reward(estimate: Estimator, bandit) -> None:
    market = bandit.of(4)
    log = market.draw(4_000, seed=5).log(market.logging)
    value, error = of(estimate(log))
    # With a model the mean of its own words comes in, which only agrees with the mean reward up to noise.
    assert value == pytest.approx(log.reward.mean(), abs=0.5 * error)


@every_estimator
def test_a_policy_gains_nothing_over_itself(estimate: Estimator, bandit) -> None:
    market = bandit.of(4)
    terms = estimate(market.draw(500, seed=5).log(market.policy(1.0, seed=2)))
    value, error = of(gain(terms, terms))
    assert value == pytest.approx(0.0, abs=1e-12)
    assert error == pytest.approx(0.0, abs=1e-9)


@every_estimator
def test_the_error_is_that_of_customers_not_of_rows(estimate: Estimator, bandit) -> None:
    market = bandit.of(1)
    log = market.draw(1_000, seed=3).log(market.policy(0.5, seed=2))
    doubled = Log(*(np.concatenate([column, column]) for column in _columns(log)), modelled=_twice(log))
    once, twice = of(estimate(log)), of(estimate(doubled))
    assert twice == pytest.approx(once, rel=1e-9)  # the same customers again tell nothing new


def _columns(log: Log) -> list[np.ndarray]:
    return [log.customer, log.reward, log.logged, log.target, log.positive, log.stands_for]


def _twice(log: Log):
    model = log.model()
    return type(model)(np.tile(model.chosen, 2), np.tile(model.policy, 2))


def test_a_ceiling_nobody_reaches_changes_nothing(bandit) -> None:
    market = bandit.of(1)
    log = market.draw(500, seed=3).log(market.policy(0.5, seed=2))
    assert of(clipped(log, 1e9)) == pytest.approx(of(ips(log)))
    assert of(switch_dr(log, 1e9)) == pytest.approx(of(dr(log)))
    assert of(dros(log, 1e12)) == pytest.approx(of(dr(log)), rel=1e-6)


def test_switching_everything_off_leaves_the_model_alone(bandit) -> None:
    market = bandit.of(1)
    log = market.draw(500, seed=3).log(market.policy(0.5, seed=2))
    assert of(switch_dr(log, 0.0))[0] == pytest.approx(log.model().policy.mean())


def test_snips_moves_with_the_rewards(bandit) -> None:
    market = bandit.of(1)
    log = market.draw(500, seed=3).log(market.policy(2.0, seed=2))
    moved = Log.of(log.customer, log.reward + 100.0, log.logged, log.target)
    assert of(snips(moved))[0] == pytest.approx(of(snips(log))[0] + 100.0)


def test_a_row_that_stands_for_three_counts_as_three_rows_of_its_customer(bandit) -> None:
    market = bandit.of(1)
    log = market.draw(300, seed=3).log(market.policy(0.5, seed=2))
    stands_for = np.where(np.arange(300) < 100, 3.0, 1.0)
    weighted = Log(*_columns(log)[:5], stands_for=stands_for)
    repeated = Log(*(np.repeat(c, stands_for.astype(int)) for c in _columns(log)))
    assert of(ips(weighted)) == pytest.approx(of(ips(repeated)))
    assert of(snips(weighted)) == pytest.approx(of(snips(repeated)))


def test_no_data_gives_no_value() -> None:
    nothing = np.zeros(0)
    ratios = Ratios.of(ips(Log.of(nothing, nothing, nothing, nothing)))
    assert ratios.value is None
    assert ratios.standard_error is None


def test_a_policy_that_never_matches_has_no_self_normalised_value() -> None:
    log = Log.of(np.arange(3), np.ones(3), np.full(3, 0.5), np.zeros(3))
    assert Ratios.of(snips(log)).value is None


@pytest.mark.parametrize(
    ("reward", "logged", "target", "words"),
    [
        (1.0, 0.0, 0.5, "logged probability 0 "),
        (1.0, 1.5, 0.5, "logged probability 1.5"),
        (1.0, 0.5, -0.1, "target probability -0.1"),
        (float("nan"), 0.5, 0.5, "reward nan"),
    ],
)
def test_values_that_cannot_be_are_refused(reward: float, logged: float, target: float, words: str) -> None:
    with pytest.raises(OpeError, match=words):
        Log.of(np.arange(1), np.array([reward]), np.array([logged]), np.array([target]))


def test_an_estimator_that_needs_a_model_says_so() -> None:
    with pytest.raises(OpeError, match="reward model"):
        dr(Log.of(np.arange(1), np.ones(1), np.ones(1), np.ones(1)))
