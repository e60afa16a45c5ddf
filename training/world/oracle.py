"""The best that can be done with the truth: what others are measured against."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linprog
from scipy.sparse import csr_matrix

from training.world.diary import NONE
from training.world.people import Floats, Index


def best(value: Floats) -> tuple[Index, Index]:
    """The pair of the highest value, or silence (NONE) where none is above 0.

    Args:
        value: Of every pair, ``[n, offers, channels]``; minus infinity where it is not allowed.

    Returns:
        Offer and channel, each ``[n]``.
    """
    flat = value.reshape(len(value), -1)
    pair = flat.argmax(axis=1)
    worth = flat[np.arange(len(flat)), pair] > 0.0
    offer, channel = np.divmod(pair, value.shape[2])
    return np.where(worth, offer, NONE), np.where(worth, channel, NONE)


def earned(value: Floats, offer: Index, channel: Index) -> Floats:
    """True value of what was chosen, ``[n]``: 0 for silence, minus infinity for what was not allowed."""
    said = offer != NONE
    found = np.zeros(len(value))
    found[said] = value[np.flatnonzero(said), offer[said], channel[said]]
    return found


def best_within(value: Floats, capacity: Floats, stock: Floats, used: Floats) -> tuple[Index, Index, float]:
    """The best for all together when channels and offers run out, by linear programming.

    Args:
        value: Of every pair, ``[n, offers, channels]``.
        capacity: Contacts that each channel can carry, ``[channels]``.
        stock: Acceptances that each offer can honour, ``[offers]``.
        used: Expected acceptances of every pair, ``[n, offers, channels]``.

    Returns:
        Offer and channel, each ``[n]``, and the value of the programme, which no choice of whole contacts exceeds.
    """
    n, offers, channels = value.shape
    who, what, where = np.nonzero(value > 0.0)
    gain, columns = value[who, what, where], np.arange(len(who))
    rows = np.concatenate([who, n + where, n + channels + what])
    weights = np.concatenate([np.ones(2 * len(who)), used[who, what, where]])
    shape = (n + channels + offers, len(who))
    limits = np.concatenate([np.ones(n), capacity, stock])
    solved = linprog(-gain, A_ub=csr_matrix((weights, (rows, np.tile(columns, 3))), shape), b_ub=limits, method="highs")
    return (*_whole(n, who, what, where, solved.x), float(-solved.fun))


def _whole(n: int, who: Index, what: Index, where: Index, share: NDArray[np.float64]) -> tuple[Index, Index]:
    """The pairs taken for more than half: few are taken in part, and those never too often."""
    taken = share > 0.5
    offer, channel = np.full(n, NONE), np.full(n, NONE)
    offer[who[taken]], channel[who[taken]] = what[taken], where[taken]
    return offer, channel
