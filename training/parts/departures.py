"""How often a contact is answered by leaving or complaining, shrunk to what is published where little was seen."""

from __future__ import annotations

import numpy as np
from scipy.optimize import nnls

from serving.patience import Answered
from training.value.trial import Floats, Mask

WEIGHT = 500.0
"""Contacts that the published rates count as: evenly after each of AFTER."""
AFTER = np.arange(4.0)
"""Recent contacts."""


def answered(recent: Floats, so: Mask, prior: Answered) -> Answered:
    """Least squares over the contacts and the prior's, neither number below 0 (empirical Bayes with a fixed prior).

    Args:
        recent: Recent contacts before each, ``[n]``.
        so: Whether each was answered so, ``[n]``.
        prior: What is published.
    """
    at = np.concatenate([recent, AFTER])
    y = np.concatenate([so.astype(np.float64), prior.rested + prior.weary * AFTER])
    weight = np.sqrt(np.concatenate([np.ones(len(so)), np.full(len(AFTER), WEIGHT / len(AFTER))]))
    (rested, weary), _ = nnls(np.stack([weight, weight * at], axis=1), weight * y)
    return Answered(float(rested), float(weary))
