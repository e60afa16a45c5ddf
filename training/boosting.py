"""LightGBM, held back where data are few: few leaves, monotone columns, rounds chosen on later data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import lightgbm
import numpy as np
from numpy.typing import NDArray

from features.vector import BY_NAME
from serving.booster import Booster
from training.calibrate import evened

Floats = NDArray[np.float64]
LEAVES = ((2_000, 4), (10_000, 8), (50_000, 16))
"""Leaves of a tree by the rarer outcome's count: up to 2,000 four leaves, and so on."""
MOST_LEAVES = 31


def leaves_for(taken: NDArray[Any], weight: Floats) -> int:
    """Leaves that this many outcomes can bear."""
    w = evened(weight)
    rarer = min(float(w @ taken), float(w @ (1.0 - np.asarray(taken))))
    return next((leaves for most, leaves in LEAVES if rarer <= most), MOST_LEAVES)


def fit_trees(
    X: NDArray[np.float32],
    taken: NDArray[Any],
    weight: Floats,
    names: Sequence[str],
    *,
    rounds: int,
    seed: int,
    threads: int,
) -> Booster:
    """Boosted trees for ``taken`` on the named columns ``[n, n_columns]``, monotone where the feature says so."""
    parameters = {
        "objective": "binary",
        "num_leaves": leaves_for(taken, weight),
        "min_data_in_leaf": max(5, min(50, len(X) // 20)),
        "learning_rate": 0.05,
        "feature_fraction": 0.4,
        "bagging_fraction": 0.7,
        "bagging_freq": 1,
        "lambda_l2": 10.0,
        "monotone_constraints": [BY_NAME[name].monotone for name in names],
    }
    return _train(parameters, X, taken, weight, names, rounds, seed, threads)


def fit_plain_trees(
    X: NDArray[np.float32], taken: NDArray[Any], weight: Floats, names: Sequence[str], *, seed: int, threads: int
) -> Booster:
    """LightGBM as it comes, 100 rounds of its default parameters: a baseline."""
    return _train({"objective": "binary"}, X, taken, weight, names, 100, seed, threads)


def _train(
    parameters: dict[str, Any],
    X: NDArray[np.float32],
    taken: NDArray[Any],
    weight: Floats,
    names: Sequence[str],
    rounds: int,
    seed: int,
    threads: int,
) -> Booster:
    fixed = {"seed": seed, "num_threads": threads, "deterministic": True, "force_row_wise": True, "verbosity": -1}
    y = np.asarray(taken, dtype=np.float64)
    data = lightgbm.Dataset(X, y, weight=evened(weight), feature_name=list(names), free_raw_data=True)
    trees = lightgbm.train({**parameters, **fixed}, data, num_boost_round=rounds)
    return Booster(trees.model_to_string(num_iteration=-1))
