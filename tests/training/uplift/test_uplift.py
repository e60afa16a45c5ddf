import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment

from training.uplift.fixed_volume import fixed_volume
from training.uplift.qini import curve
from training.uplift.volume import assign


def trial(n: int, seed: int) -> dict[str, np.ndarray]:
    """A trial with unequal probabilities, in which x alone decides who is moved by a contact."""
    rng = np.random.default_rng(seed)
    x, z = rng.uniform(-1, 1, n), rng.uniform(0, 1, n)
    p = 0.3 + 0.4 * z
    contacted = rng.random(n) < p
    chance = 0.1 + 0.3 * z + contacted * np.maximum(x, 0) * 0.4
    outcome = (rng.random(n) < chance).astype(float)
    return {"x": x, "z": z, "contacted": contacted, "outcome": outcome, "p": np.where(contacted, p, 1 - p)}


def curve_of(made: dict[str, np.ndarray], score: np.ndarray):
    found = curve(score, made["contacted"], made["outcome"], made["p"])
    assert found is not None
    return found


def test_the_end_of_the_curve_is_the_effect_of_contacting_everyone() -> None:
    made = trial(60_000, 1)
    assert curve_of(made, made["x"]).gained[-1] == pytest.approx(100.0, abs=15.0)  # mean of max(x, 0)·0.4 is 0.1


def test_the_area_is_that_of_the_true_curve() -> None:
    made = trial(60_000, 1)
    found = curve_of(made, made["x"])
    # Contacting the share d with the largest x gains 400·∫ of x over (1 − 2d, 1), halved: 400·(d − d²) up to d = ½.
    assert found.at(0.25) == pytest.approx(75.0, abs=15.0)
    assert found.at(0.5) == pytest.approx(100.0, abs=15.0)
    assert found.auuc == pytest.approx(400 * (1 / 8 - 1 / 24) + 50.0, abs=12.0)


def test_who_knows_more_has_the_larger_qini_and_who_knows_nothing_none() -> None:
    made = trial(60_000, 1)
    noise = np.random.default_rng(2).normal(size=60_000)
    full, some, none = (curve_of(made, score).qini for score in (made["x"], made["x"] + noise, noise))
    assert full > some > none
    assert none == pytest.approx(0.0, abs=6.0)
    assert curve_of(made, -made["x"]).qini < -10


def test_ranking_by_who_buys_anyway_is_found_out() -> None:
    made = trial(60_000, 1)
    assert abs(curve_of(made, made["z"]).qini) < 6.0


def test_without_anybody_to_compare_with_there_is_no_curve() -> None:
    assert curve(np.zeros(3), np.ones(3, dtype=bool), np.ones(3), np.ones(3)) is None
    assert curve(np.zeros(0), np.zeros(0, dtype=bool), np.zeros(0), np.zeros(0)) is None


@given(st.integers(0, 10_000), st.integers(1, 4), st.integers(1, 24))
def test_an_assignment_is_exactly_the_best_of_its_volume(seed: int, arms: int, n: int) -> None:
    rng = np.random.default_rng(seed)
    scores = rng.normal(size=(n, arms))
    counts = np.bincount(rng.integers(0, arms, n), minlength=arms)
    found = assign(scores, counts)
    assert (np.bincount(found, minlength=arms) == counts).all()
    slots = np.repeat(np.arange(arms), counts)
    rows, columns = linear_sum_assignment(-scores[:, slots])
    best = scores[rows, slots[columns]].sum()
    assert scores[np.arange(n), found].sum() == pytest.approx(best, rel=1e-7, abs=1e-6)


def test_a_large_assignment_keeps_its_volume_and_no_two_customers_would_gain_by_swapping() -> None:
    rng = np.random.default_rng(3)
    scores = rng.normal(size=(20_000, 5)) + rng.normal(size=5)
    counts = np.array([8_000, 6_000, 3_000, 2_000, 1_000])
    found = assign(scores, counts)
    assert (np.bincount(found, minlength=5) == counts).all()
    losses = np.array([[(scores[found == a, a] - scores[found == a, b]).min() for b in range(5)] for a in range(5)])
    assert (losses + losses.T >= -1e-6).all()


def test_equal_scores_keep_the_volume() -> None:
    assert np.bincount(assign(np.zeros((10, 3)), np.array([5, 3, 2]))).tolist() == [5, 3, 2]


def test_counts_that_are_not_everyone_are_refused() -> None:
    with pytest.raises(ValueError, match="counts sum to 3"):
        assign(np.zeros((4, 2)), np.array([1, 2]))


def given_arms(n: int, seed: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    liking = rng.uniform(0, 1, (n, 3))
    p = np.array([0.5, 0.3, 0.2])
    arm = rng.choice(3, n, p=p)
    return {
        "customer": rng.integers(0, n // 2, n),
        "arm": arm,
        "probability": p[arm],
        "outcome": liking[np.arange(n), arm] + rng.normal(0, 0.3, n),
        "liking": liking,
    }


def test_at_fixed_volume_knowing_who_likes_what_pays_and_the_gain_is_the_true_one() -> None:
    made = given_arms(12_000, 1)
    judged = {name: made[name] for name in ("customer", "arm", "probability", "outcome")}
    found = fixed_volume(scores=made["liking"], **judged)
    truth = made["liking"][np.arange(12_000), assign(made["liking"], np.bincount(made["arm"]))].mean()
    interval = found.relative(n_draws=200)
    assert interval is not None
    assert interval.low < truth / 0.5 - 1.0 < interval.high
    assert interval.high - interval.low < 0.06
    gained = found.gain(n_draws=200)
    assert gained is not None
    assert gained.value == pytest.approx(found.value - found.base)


def test_at_fixed_volume_knowing_nothing_gains_nothing() -> None:
    made = given_arms(12_000, 2)
    noise = np.random.default_rng(3).normal(size=made["liking"].shape)
    judged = {name: made[name] for name in ("customer", "arm", "probability", "outcome")}
    interval = fixed_volume(scores=noise, **judged).relative(n_draws=200)
    assert interval is not None
    assert interval.low < 0.0 < interval.high


def test_at_fixed_volume_a_score_that_only_likes_one_arm_gains_nothing_by_using_it_more() -> None:
    made = given_arms(6_000, 4)
    constant = np.tile([0.0, 1.0, 0.0], (6_000, 1))
    judged = {name: made[name] for name in ("customer", "arm", "probability", "outcome")}
    found = fixed_volume(scores=constant, **judged)
    assert found.value == pytest.approx(found.base, abs=0.03)
