"""How an offer is judged without a model: by what all customers did, shrunk where little is known."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from features.evidence import Pooled
from features.state import Floats
from serving.pairs import Pair
from serving.score import Chances


def popularity(pairs: Sequence[Pair], evidence: Pooled) -> Chances:
    """The same chances for every customer; what would be bought anyway stays unknown.

    An offer that was sent before has its shrunken rate. One that never was has the rate of its kind and category, more
    where what it is for is bought more than the average of these pairs, and less where it is bought less.
    """
    seen = evidence.rows([pair.offer.offer_id for pair in pairs], [pair.channel.name for pair in pairs])
    taken = np.where(seen.offer_contacts > 0, seen.offer_taken_rate, seen.offer_taken_rate * _demand(seen.bought_share))
    taken = np.minimum(taken, 1.0)
    return Chances(noticed=None, bought=taken, used=taken, organic=None)


def _demand(share: Floats) -> Floats:
    """Each share against the mean of those above 0; 1 where none is known."""
    sold = share[share > 0]
    return np.where(share > 0, share / sold.mean(), 1.0) if len(sold) else np.ones(len(share))
