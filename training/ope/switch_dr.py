"""SWITCH-DR: the mean of q̂(xᵢ, π) + wᵢ·1[wᵢ ≤ τ]·(rᵢ − q̂(xᵢ, aᵢ)).

Wang, Agarwal & Dudík, *ICML* 2017. Where a weight is too large the model's word stands alone.
"""

from __future__ import annotations

import numpy as np

from training.ope.log import Log
from training.ope.terms import Terms


def switch_dr(log: Log, ceiling: float) -> Terms:
    """The terms of SWITCH-DR that drops weights above ``ceiling``. Raises OpeError without a reward model."""
    model = log.model()
    weight = np.where(log.importance <= ceiling, log.importance, 0.0)
    return Terms.mean(log.customer, model.policy + weight * (log.reward - model.chosen), log.stands_for)
