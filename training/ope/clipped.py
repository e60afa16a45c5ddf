"""Clipped IPS: the mean of min(wᵢ, c)·rᵢ.

Ionides, *JCGS* 2008; Bottou et al., *JMLR* 2013. Less noise for a bias towards 0 (for rewards that are not negative).
"""

from __future__ import annotations

import numpy as np

from training.ope.log import Log
from training.ope.terms import Terms


def clipped(log: Log, ceiling: float) -> Terms:
    """The terms of IPS with weights of at most ``ceiling``."""
    return Terms.mean(log.customer, np.minimum(log.importance, ceiling) * log.reward, log.stands_for)
