"""The linear half: what holds for all arms, and how each arm differs from it, the latter held back more strongly.

Columns are compressed, imputed, standardised as in :mod:`serving.linear`. Two steps of Newton's method with a ridge:
first one slope per column and one level per arm, then, with that as offset, each arm's own deviations (a hierarchical
model with fixed variances; Gelman & Hill, *Data Analysis Using Regression*, 2007, ch. 12).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from serving.linear import FAR, compress
from training.value.trial import Floats, Index, Matrix

COMMON = 30.0
"""Ridge of the common slopes, in rows of variance 1 (logistic: of variance 1/4)."""
LEVEL = 10.0
"""Ridge of an arm's deviation in level."""
STEPS = 8


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """How columns are brought to one scale; arrays ``[columns]``."""

    impute: Floats
    mean: Floats
    scale: Floats

    @staticmethod
    def of(X: Matrix) -> Frame:
        """The frame of these rows."""
        z = compress(X)
        known = np.isfinite(z).any(axis=0)
        impute = np.zeros(z.shape[1])
        impute[known] = np.nanmedian(z[:, known], axis=0)
        z = np.where(np.isnan(z), impute, z)
        spread = z.std(axis=0)
        return Frame(impute, z.mean(axis=0), np.where(spread > 1e-6, spread, 1.0))

    def standardised(self, X: Matrix) -> Floats:
        """Columns with mean 0 and deviation 1, held within FAR, ``[n, columns]``."""
        z = compress(X)
        return np.clip((np.where(np.isnan(z), self.impute, z) - self.mean) / self.scale, -FAR, FAR)


@dataclass(frozen=True, slots=True, eq=False)
class Hierarchy:
    """Slopes and levels on the scale of the link."""

    frame: Frame
    slopes: Floats
    """Of every arm, ``[arms, columns]``."""
    levels: Floats
    """``[arms]``."""

    def raw(self, X: Matrix) -> Floats:
        """The score of every arm, ``[m, arms]``."""
        scores: Floats = self.frame.standardised(X) @ self.slopes.T + self.levels
        return scores

    def raw_of(self, X: Matrix, arm: Index) -> Floats:
        """The score of each row's own arm, ``[m]``."""
        scores: Floats = np.einsum("ij,ij->i", self.frame.standardised(X), self.slopes[arm]) + self.levels[arm]
        return scores


def fit_hierarchies(
    X: Matrix, arm: Index, arms: int, y: Floats, weight: Floats, strengths: tuple[float, ...], logistic: bool
) -> dict[float, Hierarchy]:
    """One hierarchy by strength with which the arms' own slopes are held at 0.

    ``y`` is 0 or 1 where ``logistic``, else a number on the scale of the link, centred and scaled by the caller.
    """
    frame = Frame.of(X)
    z = frame.standardised(X)
    d = z.shape[1]
    both = np.hstack([z, np.eye(arms)[arm]])
    # Levels are held at the mean of all rows: held at log-odds of 0, rare events would be said to be common.
    everywhere = _level(y, weight) if logistic else 0.0
    start = np.full(len(y), everywhere)
    common = _newton(both, y, weight, start, np.r_[np.full(d, COMMON), np.full(arms, 1.0)], logistic)
    offset = start + both @ common
    found = {strength: (np.tile(common[:d], (arms, 1)), everywhere + common[d:]) for strength in strengths}
    for a in range(arms):
        of = arm == a
        if not of.any():
            continue
        own = np.hstack([z[of], np.ones((int(of.sum()), 1))])
        for strength, (slopes, levels) in found.items():
            ridge = np.r_[np.full(d, strength), LEVEL]
            deviation = _newton(own, y[of], weight[of], offset[of], ridge, logistic)
            slopes[a] += deviation[:d]
            levels[a] += deviation[d]
    return {strength: Hierarchy(frame, slopes, levels) for strength, (slopes, levels) in found.items()}


def _level(y: Floats, weight: Floats) -> float:
    """The log-odds of the mean, with one event more of either kind."""
    events = float(weight @ y) + 1.0
    return float(np.log(events / (float(weight.sum()) + 2.0 - events)))


def _newton(Z: Floats, y: Floats, weight: Floats, offset: Floats, ridge: Floats, logistic: bool) -> Floats:
    b = np.zeros(Z.shape[1])
    for _ in range(STEPS if logistic else 1):
        score = offset + Z @ b
        p = 0.5 * (1.0 + np.tanh(0.5 * score)) if logistic else score
        curve = weight * (p * (1.0 - p) if logistic else 1.0)
        hessian = (Z * np.asarray(curve)[:, None]).T @ Z
        hessian[np.diag_indices(len(b))] += ridge
        step = np.linalg.solve(hessian, Z.T @ (weight * (y - p)) - ridge * b)
        b = b + np.clip(step, -4.0, 4.0)
        if np.abs(step).max() < 1e-4:
            break
    return b
