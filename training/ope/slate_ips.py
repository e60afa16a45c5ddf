"""Whole-slate IPS: the mean of Πₖ wᵢₖ · Σₖ rᵢₖ.

The standard of McInerney et al., *KDD* 2020. It assumes nothing about users and pays for it: weights multiply.
"""

from __future__ import annotations

import numpy as np

from training.ope.slates import Slates
from training.ope.terms import Terms


def slate_ips(slates: Slates) -> Terms:
    """The terms of whole-slate IPS."""
    earned = slates.cumulated()[:, -1] * slates.reward.sum(axis=1)
    return Terms.mean(slates.customer, earned, np.ones(len(earned)))
