"""What the learner of value is set beside: simple rules, learnt from the same customers and judged on the same."""

from __future__ import annotations

import numpy as np

from serving.prediction import sigmoid
from training.calibrate import evened
from training.value.forest import fit_forest
from training.value.parts import Said
from training.value.trial import Floats, Matrix, Trial

ROUNDS = 40
FEWEST = 50
"""Rows below which an arm's own model is its mean."""


def t_learner(trial: Trial, X: Matrix, seed: int) -> Floats:
    """One response model per arm, times what a purchase brings with it, less the cost; ``[m, arms]``.

    Künzel, Sekhon, Bickel & Yu, *PNAS* 2019.
    """
    found = np.zeros((len(X), len(trial.arms)))
    for a, arm in enumerate(trial.arms):
        own = trial.where(trial.arm == a)
        bought = own.bought.astype(np.float64)
        worth = float(np.average((own.gross - own.given), weights=own.stands_for * bought)) if bought.any() else 0.0
        if min(bought.sum(), len(own) - bought.sum()) < FEWEST:
            found[:, a] = worth * (np.average(bought, weights=own.stands_for) if len(own) else 0.0) - arm.cost
            continue
        here = np.zeros(len(own), dtype=np.intp)
        trees = fit_forest(own.X, here, (arm,), bought, evened(own.stands_for), "binary", seed)
        found[:, a] = sigmoid(trees.raw(X, ROUNDS)[:, 0]) * worth - arm.cost
    return found


def response_times_value(trial: Trial, said: Said) -> Floats:
    """Probability of buying × what a purchase with the arm brings on average, less the cost: no thought of silence."""
    worth = np.zeros(len(trial.arms))
    for a in range(len(trial.arms)):
        of = (trial.arm == a) & trial.bought
        worth[a] = float(np.average((trial.gross - trial.given)[of], weights=trial.stands_for[of])) if of.any() else 0.0
    scores: Floats = said.bought * worth - np.array([arm.cost for arm in trial.arms])
    return scores
