from __future__ import annotations

import numpy as np
import pytest

from training.fit import Resources
from training.value.crossfit import crossfit, folds_of
from training.value.kairos import fit
from training.value.trial import NONE, Arm, Floats, Trial

ARMS = (
    Arm(NONE, None, None),
    Arm("red", "red", "email", margin=1_000, incentive=100, cost=5),
    Arm("blue", "blue", "email", margin=1_000, incentive=100, cost=5),
)


def market(n: int, seed: int) -> tuple[Trial, Floats]:
    """Red is for the ones with x > 0, blue for the others, silence for those with z > 1; and the true values."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 4))
    anyway = 1 / (1 + np.exp(2.5 - 0.5 * X[:, 3]))
    lift = 0.12 * np.stack([np.zeros(n), X[:, 0] > 0, X[:, 0] <= 0], axis=1) * (X[:, 1] <= 1)[:, None]
    chance = np.clip(anyway[:, None] + lift, 0, 1)
    value = chance * np.array([1_000, 900, 900]) - np.array([0, 5, 5])
    arm = rng.integers(0, 3, n)
    bought = rng.random(n) < chance[np.arange(n), arm]
    trial = Trial(
        arms=ARMS,
        names=("x", "z", "noise", "habit"),
        X=X.astype(np.float32),
        customer=np.arange(n),
        arm=arm,
        probability=np.full(n, 1 / 3),
        gross=bought * 1_000.0,
        given=bought * np.array([0.0, 100.0, 100.0])[arm],
        cost=np.array([0.0, 5.0, 5.0])[arm],
        stands_for=np.ones(n),
        open=np.ones((n, 3), dtype=np.bool_),
    )
    return trial, value


@pytest.mark.slow
def test_the_learner_earns_most_of_what_the_truth_would_on_customers_it_has_not_seen() -> None:
    trial, _ = market(12_000, seed=1)
    fresh, value = market(4_000, seed=2)
    chosen = fit(trial, Resources(2, 7)).scores(fresh.X).argmax(axis=1)
    best_one, oracle = value.mean(axis=0).max(), value.max(axis=1).mean()
    earned = value[np.arange(len(chosen)), chosen].mean()
    assert earned > best_one + 0.6 * (oracle - best_one)


def test_an_incentive_that_comes_with_every_purchase_and_a_fixed_margin_need_no_part_of_their_own() -> None:
    trial, _ = market(3_000, seed=3)
    assert [str(name) for name in fit(trial, Resources(2, 7)).learnt.halves] == ["bought"]


def test_what_is_said_of_a_fold_does_not_change_with_the_outcomes_of_its_customers() -> None:
    trial, _ = market(3_000, seed=4)
    fold = folds_of(trial, 7, folds=3)
    first = next(crossfit(trial, fold, Resources(2, 7)))
    others = np.where(first.held, 1_000.0 - trial.gross, trial.gross)
    from dataclasses import replace

    changed = replace(trial, gross=others, given=np.where(others > 0, np.array([0.0, 100.0, 100.0])[trial.arm], 0.0))
    again = next(crossfit(changed, fold, Resources(2, 7)))
    assert np.array_equal(first.said.value, again.said.value)
    assert np.array_equal(first.inner.value, again.inner.value)


@pytest.mark.parametrize("folds", [2, 4])
def test_all_rows_of_a_customer_are_in_one_fold(folds: int) -> None:
    trial, _ = market(500, seed=5)
    from dataclasses import replace

    fold = folds_of(replace(trial, customer=np.arange(500) // 5), 7, folds=folds)
    assert (fold.reshape(100, 5) == fold.reshape(100, 5)[:, :1]).all()
