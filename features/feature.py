"""What a feature is: a name, a meaning, and one function that reads it from the rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from features.past import Past
from features.rows import Rows
from features.schema import Amount, Section
from features.state import Floats


class Group(StrEnum):
    """What a feature depends on. Within one request only the groups after PROFILE differ between pairs."""

    CUSTOMER = "customer"
    PROFILE = "profile"
    CATEGORY = "category"
    OFFER = "offer"
    CHANNEL = "channel"
    MOMENT = "moment"
    CONTENT = "content"
    EVIDENCE = "evidence"


@dataclass(frozen=True, slots=True)
class Feature:
    """One input of the models. ``monotone`` is the sign of its effect on a response where that is beyond doubt."""

    name: str
    group: Group
    unit: str
    meaning: str
    read: Callable[[Rows], Floats]
    monotone: int = 0


Pick = Callable[[Rows], Past]


def _sum_reader(pick: Pick, name: str) -> Callable[[Rows], Floats]:
    return lambda rows: pick(rows).sum(name)


def _since_reader(pick: Pick, name: str) -> Callable[[Rows], Floats]:
    return lambda rows: pick(rows).since(name)


def remembered(section: Section, group: Group, pick: Pick) -> list[Feature]:
    """One feature per slot of a section: every sum, and the days since every extreme."""

    sums = [
        Feature(
            f"{section.name}_{s.name}",
            group,
            "count" if s.measure.amount is Amount.ONE else "minor units",
            f"{s.measure.meaning}, half-life {s.half_life_days:g} days",
            _sum_reader(pick, s.name),
        )
        for s in section.sums
    ]
    extremes = [
        Feature(
            f"{section.name}_days_since_{e.name}",
            group,
            "days",
            f"days since the {'first' if e.earliest else 'last'}: {e.measure.meaning}",
            _since_reader(pick, e.name),
        )
        for e in section.extremes
    ]
    return sums + extremes


def ratio(part: Floats, whole: Floats) -> Floats:
    """part / whole, NaN where the whole is not positive (a decayed count under 1e-6 is no evidence)."""
    some = whole > 1e-6
    return np.where(some, part / np.where(some, whole, 1.0), np.nan)
