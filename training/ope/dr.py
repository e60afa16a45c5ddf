"""Doubly robust: the mean of q̂(xᵢ, π) + wᵢ·(rᵢ − q̂(xᵢ, aᵢ)).

Dudík, Langford & Li, *ICML* 2011. Right where the probabilities or the reward model are; here the probabilities are
known, so the model only takes noise away.
"""

from __future__ import annotations

from training.ope.log import Log
from training.ope.terms import Terms


def dr(log: Log) -> Terms:
    """The terms of DR. Raises OpeError without a reward model."""
    model = log.model()
    return Terms.mean(log.customer, model.policy + log.importance * (log.reward - model.chosen), log.stands_for)
