"""Self-normalised item-position IPS: Σₖ (Σᵢ wᵢₖ·rᵢₖ / Σᵢ wᵢₖ), wᵢₖ the weight of the item at its place.

Li et al., *KDD* 2018, with each place normalised as in Swaminathan & Joachims, *NeurIPS* 2015. Where it and cascade-DR
disagree, the idea of how users look at a slate is wrong.
"""

from __future__ import annotations

from training.ope.slates import Slates
from training.ope.terms import Terms


def normalised_item_position(slates: Slates) -> Terms:
    """The terms of the estimator. Raises OpeError where probabilities at places are not known."""
    weights = slates.at_place()
    return Terms(slates.customer, weights * slates.reward, weights)
