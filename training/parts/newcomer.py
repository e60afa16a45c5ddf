"""What is to be expected of an offer with little or no history: its content, and an offset like those of others.

The offset of an offer is normal around 0 on the logit scale. How far offers stray is weighed by how likely it makes the
outcomes of the known ones (hierarchical Bayes on a grid of spreads, Laplace's approximation within each).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from serving.prediction import sigmoid
from training.calibrate import SPREADS, likelihood_of_spread
from training.regression import fit_linear
from training.resampling import Interval
from training.value.trial import Floats, Mask, Matrix

DRAWS = 4_000
STEPS = 30
STRAY = tuple(spread for spread in SPREADS if spread > 0)
"""No two offers are taken to be alike: a spread of 0 would claim to know a new one."""


def unseen(X: Matrix, taken: Mask, offers: NDArray[np.generic], *, softness: float) -> Floats:
    """What content says of each row on the logit scale by a model that never saw its offer, ``[n]``.

    Scores of a model that had seen the offer would be too good, and make offers look more alike than they are.
    """
    score = np.zeros(len(taken))
    for name in np.unique(offers):
        out = offers == name
        score[out] = fit_linear(X[~out], taken[~out], np.ones(int((~out).sum())), softness=softness).raw(X[out])
    return score


def spread_weights(score: Floats, taken: Floats, offers: Sequence[str]) -> Floats:
    """How credible each spread of STRAY is, given what the known offers showed, ``[len(STRAY)]``.

    ``score`` ``[n]`` is what content says on the logit scale (see ``unseen``), ``taken`` ``[n]`` what came of it.
    """
    logs = np.array([likelihood_of_spread(score, taken, offers, spread) for spread in STRAY])
    weight = np.exp(logs - logs.max())
    shared: Floats = weight / weight.sum()
    return shared


def expected(score: Floats, own_score: Floats, own_taken: Floats, weights: Floats, *, seed: int) -> Interval:
    """The mean probability of rows with these content scores for one offer, with its 95 % credible interval.

    Args:
        score: Content scores of the rows asked about, ``[m]``.
        own_score: Those of the offer's own outcomes so far, ``[k]``; none for a new offer.
        own_taken: These outcomes, ``[k]``.
        weights: What ``spread_weights`` says.
        seed: Of the draws.
    """
    rng = np.random.default_rng(seed)
    which, normal = rng.choice(len(STRAY), DRAWS, p=weights), rng.standard_normal(DRAWS)
    found = np.array([_offset(own_score, own_taken, spread) for spread in STRAY])
    offset = found[which, 0] + normal * found[which, 1]
    grid = np.linspace(offset.min(), offset.max(), 101)
    drawn = np.interp(offset, grid, [float(sigmoid(score + each).mean()) for each in grid])
    low, high = np.quantile(drawn, [0.025, 0.975])
    return Interval(float(drawn.mean()), float(low), float(high))


def _offset(score: Floats, taken: Floats, spread: float) -> tuple[float, float]:
    """Mean and deviation of an offer's offset."""
    mean, precision = 0.0, 1.0 / spread**2
    curve = precision
    for _ in range(STEPS):
        p = sigmoid(score + mean)
        curve = float((p * (1.0 - p)).sum()) + precision
        step = (float((taken - p).sum()) - precision * mean) / curve
        mean += float(np.clip(step, -1.0, 1.0))
        if abs(step) < 1e-9:
            break
    return mean, curve**-0.5
