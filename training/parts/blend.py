"""One probability: a hierarchical linear model and monotone trees, blended by the loss on customers not learnt from.

Groups (channels, categories) share slopes and differ in their own ones, held back. After blending comes Platt's line,
then an empirical-Bayes shift for every key (an offer on a channel) where the data ask for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import lightgbm
import numpy as np
from numpy.typing import NDArray

from serving.prediction import sigmoid
from training.calibrate import platt, shifts
from training.folds import by_customer
from training.value.hierarchy import Hierarchy, fit_hierarchies
from training.value.trial import Floats, Index, Mask, Matrix

STRENGTHS = (30.0, 200.0, 2_000.0)
"""How strongly a group's own slopes may be held at 0, in rows."""
ROUNDS = (50, 100, 200)
BLENDS = (0.0, 0.25, 0.5, 0.75, 1.0)
TREES = {
    "num_leaves": 6,
    "learning_rate": 0.06,
    "feature_fraction": 0.4,
    "bagging_fraction": 0.7,
    "bagging_freq": 1,
    "min_data_in_leaf": 50,
    "lambda_l2": 10.0,
    "max_bin": 63,
    "deterministic": True,
    "force_row_wise": True,
    "verbosity": -1,
}


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """What a part reads; columns that may only raise the probability say so."""

    X: Matrix
    """``[n, columns]``."""
    rising: tuple[int, ...]
    """1 for columns that may only raise it, −1 for those that may only lower it, else 0."""
    group: Index
    groups: int
    key: NDArray[np.generic]
    """What the shift is filed under, ``[n]``."""

    def wide(self) -> Matrix:
        """The columns that trees see: the group, too."""
        return np.hstack([self.X, np.eye(self.groups, dtype=np.float32)[self.group]])

    def where(self, rows: Mask) -> Table:
        """These rows."""
        return Table(self.X[rows], self.rising, self.group[rows], self.groups, self.key[rows])


@dataclass(frozen=True, slots=True, eq=False)
class Blend:
    """A fitted probability."""

    linear: Hierarchy
    trees: Any
    rounds: int
    weight: float
    """Of the trees, 0–1."""
    slope: float
    intercept: float
    shift: dict[str, float]

    def probability(self, table: Table) -> Floats:
        """Of every row, ``[n]``."""
        score = self.slope * self._raw(table) + self.intercept
        names, place = np.unique(table.key, return_inverse=True)
        return sigmoid(score + np.array([self.shift.get(str(name), 0.0) for name in names])[place])

    def _raw(self, table: Table) -> Floats:
        raw = np.zeros(len(table.X))
        if self.weight < 1.0:
            raw += (1.0 - self.weight) * self.linear.raw_of(table.X, table.group)
        if self.weight > 0.0:
            raw += self.weight * predicted(self.trees, table, self.rounds)
        return raw


def fit_blend(table: Table, y: Floats, customer: NDArray[np.generic], *, seed: int, threads: int) -> Blend:
    """Fit ``y`` (0–1, fractions are allowed), ``[n]``; everything chosen rests on held-out customers."""
    n, whole = len(y), np.ones(len(y))
    linear, trees = {s: np.zeros(n) for s in STRENGTHS}, {r: np.zeros(n) for r in ROUNDS}
    for out in by_customer(customer):
        learnt, held = table.where(~out), table.where(out)
        for s, half in fit_hierarchies(
            learnt.X, learnt.group, learnt.groups, y[~out], whole[~out], STRENGTHS, True
        ).items():
            linear[s][out] = half.raw_of(held.X, held.group)
        forest = fit_trees(learnt, y[~out], seed=seed, threads=threads)
        for r in ROUNDS:
            trees[r][out] = predicted(forest, held, r)
    strength, rounds, weight, score = _chosen(linear, trees, y)
    slope, intercept = platt(score, y, whole)
    shift = shifts(slope * score + intercept, y, whole, table.key.tolist())
    of_all = fit_hierarchies(table.X, table.group, table.groups, y, whole, (strength,), True)[strength]
    forest = fit_trees(table, y, seed=seed, threads=threads, rounds=rounds) if weight > 0 else None
    return Blend(of_all, forest, rounds, weight, slope, intercept, shift)


def _chosen(linear: dict[float, Floats], trees: dict[int, Floats], y: Floats) -> tuple[float, int, float, Floats]:
    strength = min(linear, key=lambda s: _loss(linear[s], y))
    rounds = min(trees, key=lambda r: _loss(trees[r], y))
    both = {b: b * trees[rounds] + (1.0 - b) * linear[strength] for b in BLENDS}
    weight = min(BLENDS, key=lambda b: _loss(both[b], y))
    return strength, rounds, weight, both[weight]


def _loss(score: Floats, y: Floats) -> float:
    slope, intercept = platt(score, y, np.ones(len(y)))
    logit = slope * score + intercept
    return float(np.sum(np.logaddexp(0.0, logit) - y * logit))


def fit_trees(table: Table, y: Floats, *, seed: int, threads: int, rounds: int = max(ROUNDS)) -> Any:
    """LightGBM for fractions ``y``."""
    rising: Sequence[int] = (*table.rising, *[0] * table.groups)
    parameters = {**TREES, "objective": "cross_entropy", "monotone_constraints": list(rising)}
    data = lightgbm.Dataset(table.wide(), y, free_raw_data=True)
    return lightgbm.train({**parameters, "seed": seed, "num_threads": threads}, data, num_boost_round=rounds)


def predicted(trees: Any, table: Table, rounds: int) -> Floats:
    """Scores on the logit scale, ``[n]``."""
    return np.asarray(trees.predict(table.wide(), raw_score=True, num_iteration=rounds), dtype=np.float64)
