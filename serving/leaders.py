"""The best pair of each offer, or of each channel, best first: what a decision needs of the order of all pairs."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

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
    return found[: _lead(score, first, usable, group, found)]


@njit(cache=True, nogil=True, _nrt=False)
def _lead(score, first, usable, group, out):  # type: ignore[no-untyped-def]
    """Write the leaders; how many they are."""
    out[:] = -1
    for place in range(len(score)):
        if usable[place]:
            held = out[group[place]]
            if held < 0 or _before(score, first, place, held):
                out[group[place]] = place
    n = 0
    for number in range(len(out)):
        if out[number] >= 0:
            out[n] = out[number]
            n += 1
    _sort(score, first, out, n)
    return n


@njit(cache=True, nogil=True, _nrt=False, inline="always")
def _before(score, first, one, other):  # type: ignore[no-untyped-def]
    return score[one] > score[other] or (score[one] == score[other] and first[one] < first[other])


@njit(cache=True, nogil=True, _nrt=False)
def _sort(score, first, places, n):  # type: ignore[no-untyped-def]
    """Shell's sort: no room is needed, and few places are sorted."""
    gap = 1
    while gap < n // 3:
        gap = 3 * gap + 1
    while gap > 0:
        for end in range(gap, n):
            place, at = places[end], end
            while at >= gap and _before(score, first, place, places[at - gap]):
                places[at] = places[at - gap]
                at -= gap
            places[at] = place
        gap //= 3
