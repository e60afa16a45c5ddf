"""The best pair of each offer, or of each channel, best first: what a decision needs of the order of all pairs."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from serving import loops

Places = NDArray[np.intp]


def leaders(
    score: NDArray[np.float64], first: Places, usable: NDArray[np.bool_], group: Places, n_groups: int
) -> Places:
    """The best usable place of each group that has one, best first.

    Args:
        score: ``[n_pairs]``, no NaN.
        first: Which of equal scores comes first, ``[n_pairs]``; each number once.
        usable: ``[n_pairs]``.
        group: A number for the group of each pair, from 0, ``[n_pairs]``.
        n_groups: How many groups there are.
    """
    found = np.empty(n_groups, dtype=np.intp)
    return found[: loops.lead(score, first, usable, group, found)]


def front(
    score: NDArray[np.float64], table: NDArray[np.int64], n_offers: int, n_channels: int, least: float
) -> tuple[Places, int, list[int]]:
    """The best place of each offer, best first; how many of them score above ``least``; that of each channel.

    Args:
        score: ``[n_pairs]``, no NaN.
        table: ``[3, n_pairs]``: which of equal scores comes first, the number of the offer, of the channel.
        n_offers: How many offers there are.
        n_channels: How many channels there are.
        least: Compared with the scores.
    """
    found = np.empty(n_offers + n_channels, dtype=np.int64)
    offers, above, channels = loops.front(score, table, n_offers, least, found)
    return found[:offers], above, found[n_offers : n_offers + channels].tolist()
