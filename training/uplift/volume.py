"""Who gets which, when the number of each arm is given: the assignment of the highest total score."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from training.ope.log import Floats

Index = NDArray[np.intp]

SWEEPS = 100
NEARLY = 0.001
"""Share of customers that may still be at the wrong arm when prices stop."""


def assign(scores: Floats, counts: Index) -> Index:
    """The arm of every customer, ``[n]``; each arm as often as its count, which sum to n.

    Every arm gets the price at which just as many customers want it as there are, given the other prices: the dual of
    the transport problem, one arm at a time (Bertsekas' auction). Prices that do not settle leave a few customers too
    many at some arm; those who lose least by it move on.

    Args:
        scores: Of every arm for every customer, ``[n, arms]``.
        counts: How often each arm is used, ``[arms]``.
    """
    if int(counts.sum()) != len(scores):
        raise ValueError(f"counts sum to {int(counts.sum())}, there are {len(scores)} customers: make them equal")
    worth, prices = _untied(scores), np.zeros(scores.shape[1])
    for _ in range(SWEEPS):
        wanted = np.bincount(_wanted(worth, prices), minlength=len(prices))
        if int(np.abs(wanted - counts).sum()) <= NEARLY * len(scores):
            break
        for arm in range(len(prices)):
            prices[arm] = _price(worth, prices, arm, int(counts[arm]))
    return _settled(worth, prices, counts)


def _untied(scores: Floats) -> Floats:
    """Scores with so little noise that only equal ones are told apart."""
    scale = float(np.abs(scores).max(initial=0.0)) or 1.0
    return scores + np.random.default_rng(0).uniform(0.0, 1e-9 * scale, scores.shape)


def _wanted(worth: Floats, prices: Floats) -> Index:
    wanted: Index = (worth - prices).argmax(axis=1)
    return wanted


def _price(worth: Floats, prices: Floats, arm: int, count: int) -> float:
    """Between the last customer who gets the arm and the first who does not."""
    others = np.delete(worth - prices, arm, axis=1)
    if others.shape[1] == 0:
        return 0.0
    ready = np.sort(worth[:, arm] - others.max(axis=1))[::-1]
    if count == 0:
        return float(ready[0]) + 1.0
    if count == len(ready):
        return float(ready[-1]) - 1.0
    return float(ready[count - 1] + ready[count]) / 2.0


def _settled(worth: Floats, prices: Floats, counts: Index) -> Index:
    """The wanted arms with what is too many moved to where there is room."""
    chosen, net = _wanted(worth, prices), worth - prices
    room = counts - np.bincount(chosen, minlength=len(prices))
    while (room < 0).any():
        over, free = np.flatnonzero(room[chosen] < 0), np.flatnonzero(room > 0)
        loss = net[over, chosen[over]][:, None] - net[over][:, free]
        who, where = np.unravel_index(int(loss.argmin()), loss.shape)
        room[chosen[over[who]]] += 1
        room[free[where]] -= 1
        chosen[over[who]] = free[where]
    return chosen
