import numpy as np
import pytest

from serving.prediction import sigmoid
from training.calibrate import evened, platt, shifts


def test_calibrated_probabilities_have_the_observed_mean() -> None:
    rng = np.random.default_rng(4)
    score, weight = rng.normal(0, 2, 3_000), rng.random(3_000) + 0.5
    taken = rng.random(3_000) < sigmoid(0.5 * score - 1)
    slope, intercept = platt(score, taken, weight)
    assert slope == pytest.approx(0.5, abs=0.06)
    assert intercept == pytest.approx(-1, abs=0.12)
    said = sigmoid(slope * score + intercept)
    assert np.average(said, weights=weight) == pytest.approx(np.average(taken, weights=weight), abs=1e-6)


def test_calibrating_twice_changes_nothing() -> None:
    rng = np.random.default_rng(5)
    score = rng.normal(0, 1.5, 2_000)
    taken = rng.random(2_000) < sigmoid(2 * score + 1)
    slope, intercept = platt(score, taken, np.ones(2_000))
    assert platt(slope * score + intercept, taken, np.ones(2_000)) == pytest.approx((1, 0), abs=0.01)


def test_without_rows_scores_stay_as_they_are() -> None:
    assert platt(np.array([]), np.array([]), np.array([])) == (1.0, 0.0)
    assert shifts(np.array([]), np.array([]), np.array([]), []) == {}


def test_unequal_weights_count_for_fewer_rows() -> None:
    assert evened(np.full(10, 7.0)).sum() == pytest.approx(10)
    assert evened(np.array([1.0] * 9 + [1_000.0])).sum() < 1.1


def test_where_pairs_do_not_differ_there_are_no_shifts() -> None:
    rng = np.random.default_rng(6)
    keys = [f"o{i}|c" for i in rng.integers(0, 20, 4_000)]
    found = shifts(np.zeros(4_000), rng.random(4_000) < 0.5, np.ones(4_000), keys)
    assert max((abs(s) for s in found.values()), default=0.0) < 0.1


def test_a_pair_with_little_evidence_is_shifted_less_than_its_own_rate_says() -> None:
    rng = np.random.default_rng(7)
    truth = {f"o{i}|c": s for i, s in enumerate(rng.normal(0, 0.8, 30))}
    keys = [key for i, key in enumerate(truth) for _ in range(8 if i % 2 else 800)]
    taken = rng.random(len(keys)) < sigmoid(np.array([truth[key] for key in keys]))
    found = shifts(np.zeros(len(keys)), taken, np.ones(len(keys)), keys)
    much, little = list(truth)[0::2], list(truth)[1::2]
    assert np.mean([abs(found.get(k, 0.0) - truth[k]) for k in much]) < 0.12
    for key in little:
        share = taken[np.array(keys) == key].mean()
        own = abs(np.log(share) - np.log1p(-share)) if 0 < share < 1 else np.inf
        assert abs(found.get(key, 0.0)) <= own
