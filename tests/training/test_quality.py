from dataclasses import fields

import numpy as np
import pytest

from training.gain import gain, gain_at
from training.quality import Judged, difference, is_better, judge, slices
from training.reliability import reliability
from training.resampling import Draws, Interval


def rows(n: int, seed: int = 3) -> tuple[Judged, np.ndarray]:
    rng = np.random.default_rng(seed)
    p = rng.beta(1, 5, n)
    offers = rng.choice(np.array(["a", "b"], dtype=object), n)
    customers = rng.integers(0, n // 2, n)
    return Judged(rng.random(n) < p, offers, offers, customers, np.ones(n)), p


def test_a_perfectly_calibrated_model_stays_below_its_bound() -> None:
    # Each of 40 sets is above its own 95 % bound with probability 0.05: more than 8 of 40 happen once in 2,000 runs.
    above = 0
    for seed in range(40):
        judged, p = rows(400, seed)
        found = reliability(judged.taken, p, judged.weight, seed=seed)
        above += found.error > found.error_by_chance_high
    assert above <= 8


def test_a_model_that_says_too_much_is_above_the_bound() -> None:
    judged, p = rows(2_000)
    found = reliability(judged.taken, np.minimum(1.0, p + 0.1), judged.weight, seed=1)
    assert found.error > found.error_by_chance_high
    assert found.error == pytest.approx(0.1, abs=0.03)
    assert found.rows.sum() == 2_000
    assert len(found.rows) == 10


def test_fewer_rows_than_bins_make_fewer_bins() -> None:
    found = reliability(np.array([True, False]), np.array([0.9, 0.2]), np.ones(2), seed=1)
    assert found.error == pytest.approx((0.1 + 0.2) / 2)


def test_no_rows_cannot_be_judged() -> None:
    with pytest.raises(ValueError, match="at least one"):
        reliability(np.array([]), np.array([]), np.array([]), seed=1)


def test_a_contender_does_not_differ_from_itself_and_knowledge_beats_ignorance() -> None:
    judged, p = rows(1_500)
    found = judge(judged, {"knows": p, "same": p, "guesses": np.full(len(p), p.mean())}, n_draws=200, seed=5)
    same = difference(found["knows"], found["same"], "log_loss")
    assert (same.value, same.low, same.high) == (0, 0, 0)
    assert is_better(same, "log_loss") is None
    assert is_better(difference(found["knows"], found["guesses"], "auc"), "auc") is True
    assert is_better(difference(found["knows"], found["guesses"], "log_loss"), "log_loss") is True
    assert is_better(difference(found["guesses"], found["knows"], "log_loss"), "log_loss") is False
    assert found["guesses"].metrics["auc"].value == 0.5


def test_a_row_of_weight_two_counts_as_two_rows() -> None:
    judged, p = rows(300)
    weight = np.random.default_rng(2).integers(1, 4, 300)
    repeated = np.repeat(np.arange(300), weight)
    weighted = Judged(judged.taken, judged.offers, judged.channels, judged.customers, weight.astype(float))
    spread = Judged(*(getattr(judged, field.name)[repeated] for field in fields(judged)))
    one = judge(weighted, {"x": p}, n_draws=20, seed=5)["x"]
    other = judge(spread, {"x": p[repeated]}, n_draws=20, seed=5)["x"]
    for metric, found in one.metrics.items():
        assert found.value == pytest.approx(other.metrics[metric].value), metric
        assert found.low == pytest.approx(other.metrics[metric].low), metric


def test_intervals_cover_the_truth() -> None:
    # 60 intervals of 95 %: fewer than 50 cover with probability below 0.001.
    covered = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        y = rng.random(400) < 0.3
        judged = Judged(y, y, y, np.arange(400), np.ones(400))
        found = judge(judged, {"x": np.full(400, 0.5)}, n_draws=200, seed=seed)["x"].metrics["mean_observed"]
        covered += found.low <= 0.3 <= found.high
    assert covered >= 50


def test_rows_of_one_customer_are_drawn_together() -> None:
    customers = np.array(["a", "b", "a", "c"])
    for times in Draws(customers, n_draws=50, seed=1):
        assert times[0] == times[2]
        assert times[0] + times[1] + times[3] == 3


def test_slices_add_up_to_all_rows() -> None:
    judged, p = rows(500)
    found = slices(judged, p, judged.offers)
    assert sum(s.rows for s in found) == 500
    assert sum(s.taken for s in found) == judged.taken.sum()


def test_an_interval_reads_as_text() -> None:
    assert str(Interval(0.5, 0.4, 0.6)) == "0.500 [0.400, 0.600]"


def test_gain_runs_from_nothing_to_everything_and_ties_share() -> None:
    taken, weight = np.array([True, False, True, False]), np.ones(4)
    x, y = gain(taken, np.array([4.0, 3.0, 2.0, 1.0]), weight)
    assert (x[0], y[0], x[-1], y[-1]) == (0, 0, 1, 1)
    assert gain_at(taken, np.array([4.0, 3.0, 2.0, 1.0]), weight, 0.25) == 0.5
    assert gain_at(taken, np.zeros(4), weight, 0.25) == pytest.approx(0.25)
    assert gain_at(~taken & taken, np.arange(4.0), weight, 0.3) == pytest.approx(0.3)
