"""What happened up to a moment, day by day: all that the observer sees of customers."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from training.world.diary import NONE
from training.world.market import Market
from training.world.parameters import CATEGORIES
from training.world.people import Floats, Index

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Said:
    """Contacts, one row each."""

    customer: Index
    day: Index
    hour: Floats
    """Local hour of the day."""
    offer: Index
    channel: Index
    noticed: Mask
    clicked: Mask

    def of(self, rows: Mask) -> Said:
        """These rows."""
        return replace(self, **{f.name: getattr(self, f.name)[rows] for f in fields(self)})


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """Whether it happened, ``[days + 1, n, categories]``; of the last day up to the hour of asking."""

    bought: Mask
    visited: Mask
    carted: Mask
    said: Said
    hour: Floats
    """At which each customer is asked about on the last day, ``[n]``."""


def seen(market: Market, hour: Floats) -> Seen:
    """What the market's diary says of everybody up to these local hours of today, ``[n]``."""
    events, decisions = market.diary.all_events(), market.diary.all_decisions()
    kind, customer = events["kind"], events["customer"].astype(np.intp)
    when = events["hour"].astype(np.float64)
    known = when < 24.0 * market.day + hour[customer]

    def days(which: str) -> Mask:
        found = np.zeros((market.day + 1, len(market.people), len(CATEGORIES)), dtype=np.bool_)
        rows = known & (kind == which)
        found[(when[rows] // 24).astype(np.intp), customer[rows], events["category"][rows].astype(np.intp)] = True
        return found

    decisions = decisions or {
        name: np.zeros(0) for name in ("offer", "hour", "decision", "customer", "channel", "noticed")
    }
    made = decisions["offer"] != NONE
    at = decisions["hour"].astype(np.float64)[made]
    clicked = np.isin(decisions["decision"][made], events["decision"][kind == "clicked"])
    who, what, where = (decisions[name][made].astype(np.intp) for name in ("customer", "offer", "channel"))
    day = (at // 24).astype(np.intp)
    said = Said(who, day, at - 24.0 * day, what, where, decisions["noticed"][made].astype(np.bool_), clicked)
    return Seen(days("purchased"), days("visited"), days("carted"), said, hour)
