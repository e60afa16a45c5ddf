"""Self-normalised IPS: Σ wᵢ·rᵢ / Σ wᵢ.

Swaminathan & Joachims, *NeurIPS* 2015. Slightly biased, steadier than IPS: adding a constant to every reward moves the
estimate by just that constant.
"""

from __future__ import annotations

from training.ope.log import Log
from training.ope.terms import Terms


def snips(log: Log) -> Terms:
    """The terms of SNIPS."""
    weight = log.importance * log.stands_for
    return Terms(log.customer, (weight * log.reward)[:, None], weight[:, None])
