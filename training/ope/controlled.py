"""How much more one policy earns than another, with control variates: what is zero on average takes noise away.

    mean of (wᵢ − w′ᵢ)·rᵢ + β·(q̂(xᵢ, π) − wᵢ·q̂ᵢ, q̂′(xᵢ, π′) − w′ᵢ·q̂′ᵢ, 1 − wᵢ, 1 − w′ᵢ)

Vlassis, Bibaut, Dimakopoulou & Jebara, *ICML* 2019. With known probabilities each term behind β is zero on average
whatever the reward models say, so β may be whatever leaves least noise: 0 is IPS, (1, −1, 0, 0) the difference of two
DR. Two models that disagree add noise to that difference even where both policies do the same; here the one that knows
more counts for both. β is learnt from other customers than it is used for, so it brings no bias.
"""

from __future__ import annotations

import numpy as np

from training.folds import by_customer
from training.ope.log import Log
from training.ope.terms import Terms


def controlled(challenger: Log, champion: Log) -> Terms:
    """The terms of the gain; both logs tell of the same rows with the same reward.

    Raises OpeError without reward models.
    """
    one, other, w, v = challenger.model(), champion.model(), challenger.importance, champion.importance
    gained = (w - v) * challenger.reward
    zero = np.column_stack([one.policy - w * one.chosen, other.policy - v * other.chosen, 1.0 - w, 1.0 - v])
    found = np.zeros(len(gained))
    for out in by_customer(challenger.customer):
        _, code = np.unique(challenger.customer[~out], return_inverse=True)
        counted = challenger.stands_for[~out, None] * np.column_stack([gained, zero])[~out]
        sums = np.array([np.bincount(code, weights=column) for column in counted.T]).T
        beta = np.linalg.lstsq(sums[:, 1:], -sums[:, 0], rcond=None)[0] if len(sums) else np.zeros(zero.shape[1])
        found[out] = gained[out] + zero[out] @ beta
    return Terms.mean(challenger.customer, found, challenger.stands_for)
