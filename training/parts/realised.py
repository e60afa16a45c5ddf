"""How much of what the model promises of its favourites comes about: the best of many noisy numbers is too high.

A line through the origin from promised to earned, of contacts that were not learnt from (the winner's curse; Smith &
Winkler, *Management Science* 2006)::

    share = (Σ promised·earned + κ·USUAL) / (Σ promised² + κ)        κ = variance of what is earned / UNSURE²

Contacts promise what the parts of an earlier instant say of them; those that promise nothing would not be made and do
not count. Where few tell, USUAL holds.
"""

from __future__ import annotations

import numpy as np

from training.value.trial import Floats

USUAL = 0.7
"""Share that is assumed, give or take UNSURE, before contacts tell."""
UNSURE = 0.25
LEAST, MOST = 0.1, 1.0


def realised(promised: Floats, earned: Floats) -> float:
    """The share, LEAST–MOST.

    Args:
        promised: What the parts say that each contact brings in beyond silence, before its cost, minor units ``[n]``.
        earned: What it did bring in, ``[n]``.
    """
    favoured = promised > 0.0
    promised, earned = promised[favoured], earned[favoured]
    if not len(promised):
        return USUAL
    noise = float(np.var(earned - USUAL * promised)) + 1e-9
    held = noise / UNSURE**2
    share = float((promised @ earned + held * USUAL) / (promised @ promised + held))
    return min(max(share, LEAST), MOST)
