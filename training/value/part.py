"""One part of the value: a probability, or an amount, for every arm; linear and trees blended by held-out loss."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from serving.prediction import sigmoid
from training.calibrate import evened, platt, shifts
from training.value.forest import ROUNDS, Forest, fit_forest
from training.value.hierarchy import Hierarchy, fit_hierarchies
from training.value.trial import Arm, Floats, Index, Mask, Matrix

STRENGTHS = (30.0, 200.0, 2_000.0)
"""How strongly an arm's own slopes may be held at 0, in rows."""
BLENDS = (0.0, 0.25, 0.5, 0.75, 1.0)
CUT = 0.99
"""Amounts above this quantile count as it while shapes are learnt; levels are learnt from the whole amounts."""
LEVEL_ROWS = 200.0
"""Purchases that hold an arm's level of the amount at that of all arms."""


class Shape(StrEnum):
    """What is predicted."""

    PROBABILITY = "probability"
    AMOUNT = "amount"


@dataclass(frozen=True, slots=True)
class Choice:
    """What held-out rows decided."""

    rounds: int
    strength: float
    blend: float
    """Weight of the trees."""
    slope: float
    level: Floats
    """Added on the scale of the link, ``[arms]``."""


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """Scores of each row's own arm by every candidate, on the scale of the link, each ``[n]``."""

    linear: Mapping[float, Floats]
    trees: Mapping[int, Floats]

    @staticmethod
    def together(parts: list[Scores]) -> Scores:
        """All rows, in the order of the parts."""
        return Scores(
            {s: np.concatenate([part.linear[s] for part in parts]) for s in STRENGTHS},
            {r: np.concatenate([part.trees[r] for part in parts]) for r in ROUNDS},
        )


@dataclass(frozen=True, slots=True, eq=False)
class Halves:
    """Both halves, fitted to the same rows, before anything was chosen."""

    shape: Shape
    linear: Mapping[float, Hierarchy]
    trees: Forest

    def candidates(self, X: Matrix, arm: Index) -> Scores:
        """What all candidates say of each row's own arm."""
        return Scores(
            {strength: half.raw_of(X, arm) for strength, half in self.linear.items()},
            {rounds: self.trees.raw_of(X, arm, rounds) for rounds in ROUNDS},
        )

    def predict(self, X: Matrix, choice: Choice) -> Floats:
        """Probabilities or amounts of every arm, ``[m, arms]``."""
        raw = np.zeros((len(X), len(choice.level)))
        if choice.blend > 0:
            raw += choice.blend * self.trees.raw(X, choice.rounds)
        if choice.blend < 1:
            raw += (1.0 - choice.blend) * self.linear[choice.strength].raw(X)
        raw = choice.slope * raw + choice.level
        return sigmoid(raw) if self.shape is Shape.PROBABILITY else np.exp(np.clip(raw, -50.0, 50.0))


def fit_halves(
    shape: Shape, X: Matrix, arm: Index, arms: tuple[Arm, ...], y: Floats, weight: Floats, seed: int
) -> Halves:
    """Both halves of a part; amounts must be above 0."""
    weight = evened(weight)
    if shape is Shape.PROBABILITY:
        linear = fit_hierarchies(X, arm, len(arms), y, weight, STRENGTHS, logistic=True)
        return Halves(shape, linear, fit_forest(X, arm, arms, y, weight, "binary", seed))
    held = np.minimum(y, np.quantile(y, CUT))
    log = np.log(held)
    spread = max(float(log.std()), 1e-6)
    linear = {
        strength: Hierarchy(half.frame, half.slopes * spread, half.levels * spread)
        for strength, half in fit_hierarchies(
            X, arm, len(arms), log / spread, weight, STRENGTHS, logistic=False
        ).items()
    }
    return Halves(shape, linear, fit_forest(X, arm, arms, held, weight, "gamma", seed))


def choose(shape: Shape, held_out: Scores, arm: Index, arms: tuple[Arm, ...], y: Floats, weight: Floats) -> Choice:
    """Rounds, strength and blend of least held-out loss, and the calibration on the same rows."""
    loss = _log_loss if shape is Shape.PROBABILITY else _gamma_loss
    rounds = min(ROUNDS, key=lambda r: loss(held_out.trees[r], y, weight))
    strength = min(STRENGTHS, key=lambda s: loss(held_out.linear[s], y, weight))
    both = {b: b * held_out.trees[rounds] + (1 - b) * held_out.linear[strength] for b in BLENDS}
    blend = min(BLENDS, key=lambda b: loss(both[b], y, weight))
    score = both[blend]
    if shape is Shape.PROBABILITY:
        slope, intercept = platt(score, y, weight)
        found = shifts(slope * score + intercept, y, weight, arm.astype(str).tolist())
        level = np.array([intercept + found.get(str(a), 0.0) for a in range(len(arms))])
        return Choice(rounds, strength, blend, slope, level)
    return Choice(rounds, strength, blend, 1.0, _levels(score, arm, len(arms), y, weight))


def _log_loss(score: Floats, y: Floats, weight: Floats) -> float:
    slope, intercept = platt(score, y, weight)
    logit = slope * score + intercept
    return float(weight @ (np.logaddexp(0.0, logit) - y * logit))


def _gamma_loss(score: Floats, y: Floats, weight: Floats) -> float:
    """Gamma deviance after the level was set, of amounts cut at CUT."""
    held = np.minimum(y, np.quantile(y, CUT)) if len(y) else y
    shifted = score + np.log((weight @ held) / (weight @ np.exp(score)))
    return float(weight @ (held * np.exp(-shifted) + shifted))


def _levels(score: Floats, arm: Index, arms: int, y: Floats, weight: Floats) -> Floats:
    """Empirical-Bayes level of each arm's amounts: observed over predicted, shrunk to that of all arms."""
    predicted = weight * np.exp(score)
    common = float(weight @ y) / max(float(predicted.sum()), 1e-300)
    prior = LEVEL_ROWS * float(np.average(y, weights=weight)) if len(y) else 1.0
    own = np.bincount(arm, weight * y, arms) + prior
    said = np.bincount(arm, predicted * common, arms) + prior
    levels: Floats = np.log(common * own / said)
    return levels


def constant_amounts(arm: Index, arms: int, y: Floats, chosen: Mask) -> Floats | None:
    """The amount of every arm where it never differs within one, ``[arms]``; None where it does."""
    amounts = np.zeros(arms)
    for a in range(arms):
        own = y[chosen & (arm == a)]
        if len(own):
            if own.max() - own.min() > 1e-9 * max(abs(own.max()), 1.0):
                return None
            amounts[a] = own[0]
    return amounts
