"""Inverse propensity scoring: the mean of wᵢ·rᵢ with wᵢ = π(aᵢ|xᵢ) / π₀(aᵢ|xᵢ).

Horvitz & Thompson, *JASA* 1952. Unbiased when every action that π takes had a probability; noisy where few rows match.
"""

from __future__ import annotations

from training.ope.log import Log
from training.ope.terms import Terms


def ips(log: Log) -> Terms:
    """The terms of IPS."""
    return Terms.mean(log.customer, log.importance * log.reward, log.stands_for)
