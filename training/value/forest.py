"""The trees: one LightGBM over customers and arms, monotone in the incentive. One thread: fits run side by side."""

from __future__ import annotations

from typing import Any

import lightgbm
import numpy as np

from training.value.trial import Arm, Floats, Index, Matrix

ROUNDS = (40, 80, 160)
FEW = {"num_leaves": 8, "learning_rate": 0.08, "min_data_in_leaf": 40, "lambda_l2": 10.0, "max_bin": 63}
DRAWN = {"feature_fraction": 0.6, "bagging_fraction": 0.7, "bagging_freq": 1}
CONTENT = ("incentive", "min_spend", "window_days", "margin", "cost")


class Forest:
    """Boosted trees that score arms for customers on the scale of the link."""

    def __init__(self, arms: tuple[Arm, ...], trees: Any) -> None:
        self._of_arm, self._trees = _arm_columns(arms), trees

    def raw(self, X: Matrix, rounds: int) -> Floats:
        """The score of every arm after so many rounds, ``[m, arms]``."""
        found = np.empty((len(X), len(self._of_arm)))
        if not len(X):
            return found
        wide = np.hstack([X, np.empty((len(X), self._of_arm.shape[1]), dtype=np.float32)])
        for a, columns in enumerate(self._of_arm):
            wide[:, X.shape[1] :] = columns
            found[:, a] = self._predict(wide, rounds)
        return found

    def raw_of(self, X: Matrix, arm: Index, rounds: int) -> Floats:
        """The score of each row's own arm, ``[m]``."""
        return self._predict(np.hstack([X, self._of_arm[arm]]), rounds) if len(X) else np.zeros(0)

    def _predict(self, wide: Matrix, rounds: int) -> Floats:
        found = self._trees.predict(wide, raw_score=True, num_iteration=rounds, num_threads=1)
        return np.asarray(found, dtype=np.float64)


def fit_forest(
    X: Matrix, arm: Index, arms: tuple[Arm, ...], y: Floats, weight: Floats, objective: str, seed: int
) -> Forest:
    """Trees for an outcome ``y``; the objective is LightGBM's ``binary`` or ``gamma``."""
    of_arm = _arm_columns(arms)
    # Nothing is known to be monotone in what is bought for: only the incentive is beyond doubt, for the response.
    rising = [0] * X.shape[1] + [int(objective == "binary" and i == 0) for i in range(of_arm.shape[1])]
    parameters = {
        **FEW,
        **DRAWN,
        "objective": objective,
        "monotone_constraints": rising,
        "seed": seed,
        "num_threads": 1,
        "deterministic": True,
        "force_row_wise": True,
        "verbosity": -1,
    }
    data = lightgbm.Dataset(np.hstack([X, of_arm[arm]]), y, weight=weight, free_raw_data=True)
    return Forest(arms, lightgbm.train(parameters, data, num_boost_round=max(ROUNDS)))


def _arm_columns(arms: tuple[Arm, ...]) -> Matrix:
    """What trees see of each arm: its content, and which it is; ``[arms, columns]``."""
    content = np.array([[getattr(arm, name) for name in CONTENT] for arm in arms], dtype=np.float32)
    return np.hstack([content, np.eye(len(arms), dtype=np.float32)])
