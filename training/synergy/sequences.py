"""From a log of random contacts: how much likelier a message is noticed when another one came shortly before.

The effect of channel a on channel b is the difference of the shares noticed, b soon after a and b after nothing. Where
channels were drawn at random that is causal; it holds everything that a does to b: a second message that is too soon,
one that the first makes worth a look (synergy), and the attention that the first used up (cannibalisation). What came
soon after another came at other hours, so what nothing came before is weighted to the same hours of the day.
Intervals are 95 %, clustered by customer.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Index = NDArray[np.intp]
Z = 1.96
NEVER = np.inf


@dataclass(frozen=True, slots=True, eq=False)
class Log:
    """Contacts; arrays are ``[n]``."""

    customer: Index
    channel: Index
    """Of this contact."""
    since: Floats
    """Hours since the customer's last contact on each channel before this one, ``[n, channels]``; NEVER for none."""
    hour: Floats
    """Local hour of the day."""
    noticed: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Lag:
    """How long before."""

    name: str
    above: float
    """Hours, exclusive."""
    upto: float
    """Hours, inclusive."""


LAGS = (Lag("within a day", 0.0, 24.0), Lag("1 to 3 days before", 24.0, 72.0))
HOURS = 2.0
"""Width of what counts as the same hour of the day."""
QUIET_HOURS = 168.0
"""Hours without any contact that count as nothing before."""


@dataclass(frozen=True, slots=True)
class Effect:
    """What one channel does to another, share of messages noticed."""

    first: int
    second: int
    lag: Lag
    rows: int
    value: float
    low: float
    high: float

    @property
    def clear(self) -> bool:
        """The interval lies on one side of 0."""
        return self.low > 0 or self.high < 0


def since_last(hour: Floats, customer: Index, channel: Index, channels: int) -> Floats:
    """Hours since the customer's last contact on each channel, ``[n, channels]``, of contacts in the order of time."""
    last: dict[int, Floats] = {}
    found = np.full((len(hour), channels), NEVER)
    for row, (now, who, where) in enumerate(zip(hour.tolist(), customer.tolist(), channel.tolist(), strict=True)):
        before = last.setdefault(who, np.full(channels, -np.inf))
        found[row] = now - before
        before[where] = now
    return found


def alone(log: Log, second: int) -> NDArray[np.bool_]:
    """Contacts on a channel that nothing came before in QUIET_HOURS, ``[n]``."""
    found: NDArray[np.bool_] = (log.channel == second) & (log.since > QUIET_HOURS).all(axis=1)
    return found


def after(log: Log, first: int, second: int, lag: Lag) -> NDArray[np.bool_]:
    """Contacts on a channel before which this one, and no other, was used, ``[n]``: the last time so long ago."""
    others = np.delete(log.since, first, axis=1)
    recent = (log.since[:, first] > lag.above) & (log.since[:, first] <= lag.upto)
    found: NDArray[np.bool_] = (log.channel == second) & recent & (others > QUIET_HOURS).all(axis=1)
    return found


def effects(log: Log, channels: int, least: int = 100, lags: Sequence[Lag] = LAGS) -> Iterator[Effect]:
    """Of every ordered pair of channels and every lag with at least so many contacts on either side."""
    for second in range(channels):
        nothing = alone(log, second)
        for first in range(channels):
            for lag in lags:
                soon = after(log, first, second, lag)
                if min(soon.sum(), nothing.sum()) >= least:
                    yield _effect(log, first, second, lag, soon, nothing)


def to_same_hours(log: Log, soon: NDArray[np.bool_], nothing: NDArray[np.bool_]) -> Floats:
    """Weights of the contacts that nothing came before, adding up to 1, ``[n]``; 0 for all others.

    In every HOURS of the day they weigh as much as those that came soon after another; hours that lack either are
    left out.
    """
    slot = (log.hour // HOURS).astype(np.intp)
    slots = int(slot.max()) + 1
    theirs, ours = (np.bincount(slot[rows], minlength=slots).astype(np.float64) for rows in (soon, nothing))
    share = np.divide(theirs, ours, out=np.zeros(slots), where=ours > 0)
    weight = np.where(nothing, share[slot], 0.0)
    return np.asarray(weight / weight.sum(), dtype=np.float64)


def _effect(log: Log, first: int, second: int, lag: Lag, soon: NDArray[np.bool_], nothing: NDArray[np.bool_]) -> Effect:
    """The difference of two means, its variance from the sums of residuals by customer."""
    y, n = log.noticed.astype(np.float64), int(soon.sum())
    weight, slot = to_same_hours(log, soon, nothing), (log.hour // HOURS).astype(np.intp)
    size = np.bincount(slot, weight)
    by_slot = np.divide(np.bincount(slot, weight * y), size, out=np.zeros(len(size)), where=size > 0)
    mean, value = y[soon].mean(), float(y[soon].mean() - (weight * y).sum())
    part = np.where(soon, (y - mean) / n, 0.0) - weight * (y - by_slot[slot])
    spread = float(np.sqrt(np.square(np.bincount(log.customer, part)).sum()))
    return Effect(first, second, lag, n, value, value - Z * spread, value + Z * spread)
