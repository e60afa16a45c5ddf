"""Instants on the customer's wall clock: which hour, which weekday."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from features.domain import Event, Instant
from features.fold import DAYS_PER_WEEK, HOURS_PER_DAY, THURSDAY
from features.rows import Moment

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MINUTE_US = 60_000_000


@lru_cache(maxsize=4_096)
def _offset_min(zone: str, quarter: int) -> int:
    """Minutes east of UTC in the zone at this quarter of an hour since 1970; no zone changes within one."""
    offset = (_EPOCH + timedelta(minutes=15 * quarter)).astimezone(ZoneInfo(zone)).utcoffset()
    return 0 if offset is None else offset // timedelta(minutes=1)


def offset_min(zone: str, at: Instant) -> int:
    """Minutes east of UTC of the zone's wall clock.

    Raises:
        ZoneInfoNotFoundError: No IANA zone has this name.
    """
    return _offset_min(zone, at // (15 * _MINUTE_US))


def on_wall_clock(events: Iterable[Event], zone: Callable[[], str]) -> tuple[Event, ...]:
    """The events of one customer, those without an offset with that of the customer's zone; asked for where needed."""
    told = tuple(events)
    if all(event.utc_offset_min is not None for event in told):
        return told
    here = zone()

    def placed(event: Event) -> Event:
        known = event.utc_offset_min is not None
        return event if known else replace(event, utc_offset_min=offset_min(here, event.occurred_at))

    return tuple(placed(event) for event in told)


def moment(zones: Sequence[str], at: NDArray[np.int64]) -> Moment:
    """Hour and weekday of instants on wall clocks.

    Args:
        zones: IANA zone of each row.
        at: Microseconds UTC of each row, ``[n]``.
    """
    offsets = np.array([offset_min(zone, Instant(us)) for zone, us in zip(zones, at.tolist(), strict=True)])
    minutes = at // _MINUTE_US + offsets.astype(np.int64)
    hour = minutes // 60 % HOURS_PER_DAY
    weekday = (minutes // (60 * HOURS_PER_DAY) + THURSDAY) % DAYS_PER_WEEK
    return Moment(hour.astype(np.float64), weekday.astype(np.float64))


def wall_clock(zone: str, at: Instant) -> tuple[int, int]:
    """Hour and weekday of one instant on a wall clock.

    Raises:
        ZoneInfoNotFoundError: No IANA zone has this name.
    """
    minutes = at // _MINUTE_US + offset_min(zone, at)
    return minutes // 60 % HOURS_PER_DAY, (minutes // (60 * HOURS_PER_DAY) + THURSDAY) % DAYS_PER_WEEK


def hour_key(hour: float) -> str:
    """The key under which an hour of the day is remembered."""
    return f"{int(hour):02d}"


def weekday_key(weekday: float) -> str:
    """The key under which a weekday is remembered."""
    return str(int(weekday))
