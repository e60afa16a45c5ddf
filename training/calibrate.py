"""Scores into probabilities: Platt's line on the logit scale, then a shift per offer and channel where data ask for it.

Platt, Probabilistic outputs for support vector machines, 1999.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from serving.prediction import sigmoid

Floats = NDArray[np.float64]
STEPS = 50
RIDGE = 1.0
"""Strength, in observations of logit 1, with which slope is held to 1: little data hardly moves it."""
SLOPES = (0.2, 5.0)
SPREADS = (0.0, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0)
"""Standard deviations of the shifts among which the likeliest is chosen; 0 means that no pair differs."""


def evened(weight: Floats) -> Floats:
    """Weights that add up to the rows' effective number (Kish): Σw² of many unequal weights counts for fewer rows."""
    return weight * (weight.sum() / np.square(weight).sum()) if len(weight) else weight


def platt(score: Floats, taken: NDArray[Any], weight: Floats) -> tuple[float, float]:
    """Slope and intercept of the line through logits that makes ``score`` ``[n]`` calibrated; (1, 0) for no rows."""
    y, w = np.asarray(taken, dtype=np.float64), evened(weight)
    slope, intercept = 1.0, 0.0
    for _ in range(STEPS):
        p = sigmoid(slope * score + intercept)
        curve = w * p * (1 - p)
        gradient = np.array([w @ ((y - p) * score) - RIDGE * (slope - 1.0), w @ (y - p) - 1e-6 * intercept])
        cross = float(curve @ score)
        hessian = np.array([[curve @ score**2 + RIDGE, cross], [cross, curve.sum() + 1e-6]])
        step = np.clip(np.linalg.solve(hessian, gradient), -1.0, 1.0)
        slope, intercept = float(slope + step[0]), float(intercept + step[1])
        if np.abs(step).max() < 1e-9:
            break
    return float(np.clip(slope, *SLOPES)), intercept


def shifts(score: Floats, taken: NDArray[Any], weight: Floats, keys: Sequence[str]) -> dict[str, float]:
    """Empirical-Bayes shift of each key on the logit scale, given calibrated logits ``[n]``.

    Shifts are normal around 0 with the spread that makes all outcomes likeliest (Laplace's approximation), so a key
    with little evidence stays near 0 and a spread of 0 gives no shifts at all.
    """
    if not len(score):
        return {}
    names, place = np.unique(np.asarray(keys, dtype=object).astype(str), return_inverse=True)
    y, w = np.asarray(taken, dtype=np.float64), evened(weight)
    found = [(_evidence(score, y, w, place, len(names), spread), spread) for spread in SPREADS]
    (_, best), _ = max(found, key=lambda f: f[0][0])
    return {str(n): float(d) for n, d in zip(names, best, strict=True) if d}


def likelihood_of_spread(score: Floats, taken: NDArray[Any], keys: Sequence[str], spread: float) -> float:
    """Log marginal likelihood of outcomes ``[n]`` where shifts of keys stray by ``spread`` on the logit scale."""
    names, place = np.unique(np.asarray(keys, dtype=object).astype(str), return_inverse=True)
    y = np.asarray(taken, dtype=np.float64)
    return _evidence(score, y, np.ones(len(y)), place, len(names), spread)[0]


def _evidence(
    score: Floats, y: Floats, w: Floats, place: NDArray[np.intp], n: int, spread: float
) -> tuple[float, Floats]:
    """Log marginal likelihood of a spread, and the shifts ``[n]`` under it."""
    shift = np.zeros(n)
    if spread == 0.0:
        return _likelihood(score, y, w), shift
    precision = 1.0 / spread**2
    for _ in range(STEPS):
        p = sigmoid(score + shift[place])
        gradient = np.bincount(place, w * (y - p), n) - precision * shift
        curve = np.bincount(place, w * p * (1 - p), n) + precision
        step = np.clip(gradient / curve, -1.0, 1.0)
        shift += step
        if np.abs(step).max() < 1e-8:
            break
    fit = _likelihood(score + shift[place], y, w) - 0.5 * precision * float(shift @ shift)
    return fit + 0.5 * float(np.sum(np.log(precision) - np.log(curve))), shift


def _likelihood(logit: Floats, y: Floats, w: Floats) -> float:
    return float(w @ (y * logit - np.logaddexp(0.0, logit)))
