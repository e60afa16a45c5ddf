"""Cascade IPS: Σₖ of the mean of w₁:ₖ·rₖ, w₁:ₖ the product of the weights down to place k.

McInerney et al., *KDD* 2020 (reward-interaction IPS). Right where users read from the top; less noisy than the whole
slate's weight, for the upper places have fewer factors.
"""

from __future__ import annotations

import numpy as np

from training.ope.slates import Slates
from training.ope.terms import Terms


def cascade_ips(slates: Slates) -> Terms:
    """The terms of cascade IPS."""
    earned = (slates.cumulated() * slates.reward).sum(axis=1)
    return Terms.mean(slates.customer, earned, np.ones(len(earned)))
