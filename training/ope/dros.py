"""Doubly robust with optimistic shrinkage: DR with the weights λ·w / (w² + λ).

Su, Dimakopoulou, Krishnamurthy & Dudík, *ICML* 2020. λ = 0 is the model alone, λ → ∞ is DR.
"""

from __future__ import annotations

from training.ope.log import Log
from training.ope.terms import Terms


def dros(log: Log, shrinkage: float) -> Terms:
    """The terms of DRos with λ = ``shrinkage`` > 0. Raises OpeError without a reward model."""
    model, weight = log.model(), log.importance
    shrunk = shrinkage * weight / (weight**2 + shrinkage)
    return Terms.mean(log.customer, model.policy + shrunk * (log.reward - model.chosen), log.stands_for)
