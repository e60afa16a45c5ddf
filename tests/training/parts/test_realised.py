"""How much of what is promised comes about, where the truth is known."""

import numpy as np
import pytest

from serving.worth import Value
from training.parts.realised import LEAST, MOST, USUAL, realised

SD = 400.0
"""Of what a contact earns, minor units: purchases are rare and large."""


def log(n: int, pairs: int, seed: int) -> tuple[np.ndarray, np.ndarray, float]:
    """What the best of so many noisy estimates promises, what it earns, and the true share of it."""
    rng = np.random.default_rng(seed)
    truth = rng.normal(0.0, 15.0, (n, pairs))
    estimate = truth + rng.normal(0.0, 20.0, (n, pairs))
    best = estimate.argmax(axis=1)[:, None]
    promised, true = (np.take_along_axis(each, best, axis=1)[:, 0] for each in (estimate, truth))
    return promised, true + rng.normal(0.0, SD, n), float(true.sum() / promised.sum())


def test_the_best_of_many_promises_too_much_and_the_share_that_comes_about_is_found() -> None:
    promised, earned, share = log(40_000, 60, 1)
    assert share < 0.5
    assert realised(promised, earned) == pytest.approx(share, abs=0.12)


def test_where_few_contacts_tell_the_usual_share_holds() -> None:
    assert realised(np.zeros(0), np.zeros(0)) == USUAL
    few = [realised(*log(30, 60, seed)[:2]) for seed in range(20)]
    assert np.mean(few) == pytest.approx(USUAL, abs=0.08)


def test_honest_promises_are_kept_and_no_share_is_beyond_its_bounds() -> None:
    rng = np.random.default_rng(2)
    promised = rng.uniform(20.0, 80.0, 40_000)
    assert realised(promised, promised + rng.normal(0.0, SD, len(promised))) == pytest.approx(1.0, abs=0.1)
    assert realised(promised, 5.0 * promised) == MOST
    assert realised(promised, -promised) == LEAST


def test_contacts_that_promise_nothing_do_not_count() -> None:
    promised, earned, _ = log(5_000, 60, 3)
    more = np.concatenate([promised, np.full(5_000, -30.0)]), np.concatenate([earned, np.full(5_000, 900.0)])
    assert realised(*more) == realised(promised, earned)


def test_costs_are_certain_whatever_comes_about_of_the_promise() -> None:
    one = np.ones(3)
    value = Value.of((100.0 * one, -20.0 * one, -5.0 * one, -6.0 * one, -11.0 * one))
    assert value.realised(0.5).total == pytest.approx(0.5 * 75.0 - 17.0)
    assert value.realised(1.0) is value
