"""Cascade-DR: the mean over slates of Σₖ [ w₁:ₖ₋₁·q̂ₖ(π) + w₁:ₖ·(rₖ − q̂ₖ(aₖ)) ], w₁:ₖ = w₁·…·wₖ.

Kiyohara, Saito, Matsuhiro, Narita, Shimizu & Yamamoto, *WSDM* 2022. Right where users read from the top: what a place
earns depends on its item and those above, never on those below. q̂ₖ speaks of all that is earned from place k on.
"""

from __future__ import annotations

import numpy as np

from training.ope.log import OpeError
from training.ope.slates import Slates
from training.ope.terms import Terms


def cascade_dr(slates: Slates) -> Terms:
    """The terms of cascade-DR. Raises OpeError without a reward model."""
    if slates.followed is None:
        raise OpeError("cascade-DR needs a reward model: pass Followed, cross-fitted")
    down_to = slates.cumulated()
    above = np.hstack([np.ones((len(down_to), 1)), down_to[:, :-1]])
    earned = above * slates.followed.policy + down_to * (slates.reward - slates.followed.chosen)
    return Terms.mean(slates.customer, earned.sum(axis=1), np.ones(len(down_to)))
