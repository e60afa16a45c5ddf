"""Item-position IPS: Σₖ of the mean of wᵢₖ·rᵢₖ, wᵢₖ the weight of the item at its place whatever stands above.

Li, Abbasi-Yadkori, Kveton, Muthukrishnan, Vinay & Wen, *KDD* 2018. Right where what a place earns depends on its own
item and place only.
"""

from __future__ import annotations

import numpy as np

from training.ope.slates import Slates
from training.ope.terms import Terms


def item_position(slates: Slates) -> Terms:
    """The terms of item-position IPS. Raises OpeError where probabilities at places are not known."""
    earned = (slates.at_place() * slates.reward).sum(axis=1)
    return Terms.mean(slates.customer, earned, np.ones(len(earned)))
