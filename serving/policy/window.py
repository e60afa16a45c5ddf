"""Over which time contacts are counted."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Unit(StrEnum):
    """A stretch of the calendar in the customer's own zone; a week begins on Monday."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"


@dataclass(frozen=True, slots=True)
class Window:
    """Exactly one of the two is set: any stretch of so many hours, or each stretch of the calendar."""

    hours: float | None = None
    calendar: Unit | None = None
