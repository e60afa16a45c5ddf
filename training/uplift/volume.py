"""Who gets which, when the number of each arm is given: the assignment of the highest total score, exactly.

The dual of the transport problem gives every arm a price; where prices are given, everybody takes what is worth most
to them, and that is best for the numbers so taken. Prices are found one arm at a time, on a sample first (Bertsekas'
auction); what is then still too many at some arms moves along the cheapest paths to where there is room, which keeps it
best (successive shortest paths; Ahuja, Magnanti & Orlin, *Network Flows*, 1993, ch. 9).
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from training.ope.log import Floats

Index = NDArray[np.intp]

SWEEPS = 50
SAMPLE = 4_000
NEARLY = 0.0005
"""Share of customers that may still be at the wrong arm when prices stop."""


def assign(scores: Floats, counts: Index) -> Index:
    """The arm of every customer, ``[n]``; each arm as often as its count, which sum to n.

    Args:
        scores: Of every arm for every customer, ``[n, arms]``.
        counts: How often each arm is used, ``[arms]``.
    """
    if int(counts.sum()) != len(scores):
        raise ValueError(f"counts sum to {int(counts.sum())}, there are {len(scores)} customers: make them equal")
    worth, prices = _untied(scores), np.zeros(scores.shape[1])
    if len(scores) > 4 * SAMPLE:
        some = np.random.default_rng(1).choice(len(scores), SAMPLE, replace=False)
        prices = _prices(worth[some], _rounded(counts.astype(np.float64) * (SAMPLE / len(scores)), SAMPLE), prices)
    return _settled(worth, _wanted(worth, _prices(worth, counts, prices)), counts)


def _untied(scores: Floats) -> Floats:
    """Scores with so little noise that only equal ones are told apart."""
    scale = float(np.abs(scores).max(initial=0.0)) or 1.0
    return scores + np.random.default_rng(0).uniform(0.0, 1e-9 * scale, scores.shape)


def _rounded(shares: Floats, total: int) -> Index:
    """Whole numbers that sum to the total, each below or above its share by less than 1."""
    whole = np.floor(shares).astype(np.intp)
    whole[np.argsort(whole - shares, kind="stable")[: total - int(whole.sum())]] += 1
    return whole


def _wanted(worth: Floats, prices: Floats) -> Index:
    wanted: Index = (worth - prices).argmax(axis=1)
    return wanted


def _prices(worth: Floats, counts: Index, start: Floats) -> Floats:
    """Prices at which nearly the right number of customers want each arm."""
    prices = start.copy()
    for _ in range(SWEEPS):
        wanted = np.bincount(_wanted(worth, prices), minlength=len(prices))
        if int(np.abs(wanted - counts).sum()) <= NEARLY * len(worth):
            break
        for arm in range(len(prices)):
            prices[arm] = _price(worth, prices, arm, int(counts[arm]))
    return prices


def _price(worth: Floats, prices: Floats, arm: int, count: int) -> float:
    """Between the last customer who gets the arm and the first who does not."""
    net = worth - prices
    net[:, arm] = -np.inf
    ready = worth[:, arm] - net.max(axis=1)
    if worth.shape[1] == 1:
        return 0.0
    if count in (0, len(ready)):
        return float(ready.max()) + 1.0 if count == 0 else float(ready.min()) - 1.0
    first, last = np.partition(ready, (len(ready) - count - 1, len(ready) - count))[[-count - 1, -count]]
    return float(first + last) / 2.0


def _settled(worth: Floats, chosen: Index, counts: Index) -> Index:
    """What is too many moved along the cheapest paths; ``chosen`` is best for the numbers it has."""
    arms = worth.shape[1]
    room = counts - np.bincount(chosen, minlength=arms)
    loss, who = np.full((arms, arms), np.inf), np.zeros((arms, arms), dtype=np.intp)
    changed: Iterable[int] = range(arms)
    while (room < 0).any():
        for arm in changed:
            loss[arm], who[arm] = _cheapest(worth, chosen, arm)
        path = _path(loss, room < 0, room > 0)
        movers = [who[a, b] for a, b in pairwise(path)]
        chosen[movers] = path[1:]
        room[path[0]] += 1
        room[path[-1]] -= 1
        changed = path
    return chosen


def _cheapest(worth: Floats, chosen: Index, arm: int) -> tuple[Floats, Index]:
    """For every other arm the least that a customer of this one would lose by moving there, and who that is."""
    of = np.flatnonzero(chosen == arm)
    if not len(of):
        return np.full(worth.shape[1], np.inf), np.zeros(worth.shape[1], dtype=np.intp)
    losses = worth[of, arm][:, None] - worth[of]
    losses[:, arm] = np.inf
    least = losses.argmin(axis=0)
    return losses[least, np.arange(worth.shape[1])], of[least]


def _path(loss: Floats, over: NDArray[np.bool_], free: NDArray[np.bool_]) -> list[int]:
    """The cheapest way from any arm with too many to any with room (Bellman & Ford)."""
    cost = np.where(over, 0.0, np.inf)
    before = np.full(len(loss), -1)
    for _ in range(len(loss)):
        through = cost[:, None] + loss
        best = through.argmin(axis=0)
        better = through[best, np.arange(len(loss))] < cost - 1e-15
        if not better.any():
            break
        before[better] = best[better]
        cost = np.where(better, through[best, np.arange(len(loss))], cost)
    path = [int(np.where(free, cost, np.inf).argmin())]
    while before[path[0]] >= 0 and len(path) <= len(loss):
        path.insert(0, int(before[path[0]]))
    return path
