import numpy as np
import pytest

from training.ope.dr import dr
from training.ope.log import Log
from training.ope.overlap import Overlap
from training.ope.propensity_calibration import propensity_calibration
from training.ope.ratios import Ratios
from training.ope.support import unsupported
from training.ope.terms import gain
from training.ope.verdict import Answer, verdict
from training.ope.wald import wald
from training.resampling import Interval


def even(rows: int, positives: int, weight: float = 1.0) -> Overlap:
    """Rows that all weigh the same, the first of them positive."""
    target = np.full(rows, 0.5 * weight)
    positive = np.arange(rows) < positives
    return Overlap.of(Log.of(np.arange(rows), positive * 1.0, np.full(rows, 0.5), target, positive))


@pytest.mark.parametrize(
    ("interval", "answer"),
    [
        (Interval(2.0, 1.0, 3.0), Answer.ABOVE),
        (Interval(-2.0, -3.0, -1.0), Answer.BELOW),
        (Interval(0.1, -1.0, 1.2), Answer.UNDECIDED),
    ],
)
def test_an_interval_off_the_threshold_decides(interval: Interval, answer: Answer) -> None:
    assert verdict(interval, (even(1_000, 100),)).answer is answer


@pytest.mark.parametrize(
    ("overlap", "reason"),
    [
        (even(199, 100), "effective sample 199 is below 200"),
        (even(1_000, 49), "49 matched positives are below 50"),
        (even(1_000, 100, weight=0.8), "mean weight 0.800 is not 1"),
    ],
)
def test_a_log_that_cannot_tell_gives_no_verdict_and_no_number(overlap: Overlap, reason: str) -> None:
    for overlaps in ((overlap,), (even(1_000, 100), overlap)):
        answer = verdict(Interval(9.0, 8.0, 10.0), overlaps)
        assert answer.answer is Answer.NO_VERDICT
        assert reason in answer.reason
        assert answer.interval is None


def test_at_the_limits_there_is_a_verdict() -> None:
    assert verdict(Interval(9.0, 8.0, 10.0), (even(200, 50),)).answer is Answer.ABOVE


def test_an_estimate_without_an_error_gives_no_verdict() -> None:
    assert verdict(None, (even(1_000, 100),)).answer is Answer.NO_VERDICT


def test_a_clearly_better_policy_is_found_better_on_a_large_log(bandit) -> None:
    market = bandit.of(1)
    drawn = market.draw(20_000, seed=3)
    better, logging = drawn.log(market.policy(1.0, seed=2)), drawn.log(market.logging)
    found = verdict(wald(Ratios.of(gain(dr(better), dr(logging)))), (Overlap.of(better), Overlap.of(logging)))
    assert found.answer is Answer.ABOVE


def test_actions_the_log_never_takes_are_counted() -> None:
    logged = np.array([[0.5, 0.5, 0.0], [0.2, 0.3, 0.5]])
    target = np.array([[0.0, 0.4, 0.6], [0.0, 0.0, 1.0]])
    assert unsupported(logged, target) == pytest.approx(0.3)
    assert unsupported(logged, logged) == 0.0


def test_true_probabilities_come_true_and_others_are_found_out(bandit) -> None:
    market = bandit.of(1)
    drawn = market.draw(20_000, seed=3)
    true = market.logging[drawn.segment]
    # 10 bins: beyond 4.5 standard errors in less than 1 of 10,000 seeds.
    assert max(abs(each.off_by) for each in propensity_calibration(true, drawn.action)) < 4.5
    wrong = true**2 / (true**2).sum(axis=1, keepdims=True)
    assert max(abs(each.off_by) for each in propensity_calibration(wrong, drawn.action)) > 4.5


def test_actions_that_were_not_allowed_are_in_no_bin() -> None:
    bins = propensity_calibration(np.array([[1.0, 0.0], [0.5, 0.5]]), np.array([0, 1]), n_bins=2)
    assert [each.actions for each in bins] == [2, 1]
    assert bins[1].off_by == 0.0
