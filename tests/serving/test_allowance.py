import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.allowance import Allowance, given_up, sharp_enough, sharpness
from serving.explore import inverse_gap

FLOOR, BEST = 0.01, 10
scores_of_some = st.lists(st.floats(-100, 100), min_size=2, max_size=12).map(np.array)


def cost(scores: np.ndarray, gamma: float) -> float:
    everything = np.ones(len(scores), dtype=bool)
    return given_up(scores, inverse_gap(scores, everything, gamma, BEST, FLOOR))


@given(scores_of_some, st.floats(0.01, 10), st.floats(0, 20))
def test_the_sharpness_keeps_to_what_is_allowed_unless_the_floor_alone_costs_more(
    scores: np.ndarray, gamma: float, allowed: float
) -> None:
    found = sharp_enough(scores, np.ones(len(scores), dtype=bool), gamma, BEST, FLOOR, allowed)
    assert found >= gamma
    if math.isinf(found):
        assert cost(scores, math.inf) >= allowed
    else:
        assert cost(scores, found) <= allowed


@given(scores_of_some, st.floats(0.01, 10))
def test_a_generous_allowance_leaves_the_sharpness_alone(scores: np.ndarray, gamma: float) -> None:
    assert sharp_enough(scores, np.ones(len(scores), dtype=bool), gamma, BEST, FLOOR, 1e6) == gamma


@given(scores_of_some)
def test_the_sharper_the_cheaper(scores: np.ndarray) -> None:
    costs = [cost(scores, gamma) for gamma in (0.0, 0.1, 1.0, 10.0, math.inf)]
    assert all(a >= b - 1e-9 for a, b in pairwise(costs))


def test_it_is_no_sharper_than_needed() -> None:
    scores = np.array([0.0, 5.0, 9.0, 10.0])
    found = sharp_enough(scores, np.ones(4, dtype=bool), 0.01, BEST, FLOOR, 1.0)
    assert cost(scores, found) == pytest.approx(1.0, rel=1e-6)


def test_the_floor_is_never_dropped() -> None:
    scores = np.array([0.0, 5.0, 9.0, 10.0])
    everything = np.ones(4, dtype=bool)
    found = sharp_enough(scores, everything, 1.0, BEST, FLOOR, 0.0)
    assert math.isinf(found)
    assert inverse_gap(scores, everything, found, BEST, FLOOR).min() == pytest.approx(FLOOR / 4)


def test_a_day_stays_within_its_share() -> None:
    rng = np.random.default_rng(3)
    account = Allowance(0.02)
    for _ in range(300):
        scores = np.array([0.0, *rng.gamma(2.0, 5.0, 8)])
        gamma = sharp_enough(scores, np.ones(9, dtype=bool), 0.01, BEST, 0.005, account.left(scores.max()))
        account = account.after(float(scores.max()), cost_with(scores, gamma, 0.005))
    assert account.given_up <= 0.02 * account.best + 1e-9
    assert account.given_up > 0.015 * account.best


def cost_with(scores: np.ndarray, gamma: float, floor: float) -> float:
    return given_up(scores, inverse_gap(scores, np.ones(len(scores), dtype=bool), gamma, BEST, floor))


def test_accounts_add_up() -> None:
    one, two = Allowance(0.02).after(10.0, 0.1), Allowance(0.02).after(-3.0, 0.2)
    both = one + two
    assert (both.best, both.given_up) == (10.0, pytest.approx(0.3))
    assert both.left(0.0) == 0.0


def test_sharpness_grows_with_the_root_of_the_decisions() -> None:
    assert sharpness(2.0, 400, 10.0) == pytest.approx(2 * sharpness(2.0, 100, 10.0)) == pytest.approx(4.0)
    assert sharpness(2.0, 0, 1.0) == 2.0
