"""The best pair of each offer, or of each channel, best first: what a decision needs of the order of all pairs."""

from __future__ import annotations

from collections.abc import Sequence

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
    score: NDArray[np.float64], table: NDArray[np.int64], n_offers: int, n_channels: int, least: float, most: int
) -> tuple[Places, int]:
    """The best place of each offer that scores above ``least``, best first and ``most`` (from 1) of them at most, then
    that of each channel, best first; and how many offers these are.

    Args:
        score: ``[n_pairs]``, no NaN.
        table: ``[3, n_pairs]``: which of equal scores comes first, the number of the offer, of the channel.
        n_offers: How many offers there are.
        n_channels: How many channels there are.
        least: See above.
        most: See above.
    """
    found = np.empty(most + 2 * n_channels + n_offers, dtype=np.int64)
    offers, channels = loops.front(score, table, n_channels, least, most, found)
    return found[: offers + channels], offers


def beaten(
    score: NDArray[np.float64], table: NDArray[np.int64], n_offers: int, least: float, chosen: Sequence[int]
) -> Places:
    """The best place of each offer that scores no more than ``least``, best first, without what was ``chosen``; else
    as ``front``."""
    best = leaders(score, table[0], np.ones(len(score), dtype=np.bool_), table[1], n_offers)
    return best[(score[best] <= least) & ~np.isin(best, chosen)]
