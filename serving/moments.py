"""The moments at which a message may go out: now, and each full hour of the customer's day that lies ahead."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from features.domain import Instant
from features.moment import offset_min
from features.quick import quick
from serving.ledger.counting import stretch_of
from serving.policy.policy import Quiet
from serving.policy.window import Unit

Flags = NDArray[np.bool_]
_MINUTE_US = 60_000_000
_QUARTER_US = 15 * _MINUTE_US
_HOUR_MIN, _DAY_MIN, _WEEK_DAYS = 60, 1_440, 7
_EPOCH_WEEKDAY = 3
"""1970-01-01 was a Thursday; Monday is 0."""
AT_ONCE = 512
"""Zones in which customers ask in the same minute: what was found for one before is never asked for again."""


@quick(frozen=True, eq=False)
class Moments:
    """Instants, the first of which is the decision's own, on one customer's wall clock; arrays are ``[n_moments]``."""

    instants: NDArray[np.int64]
    zone: str
    """IANA."""
    horizon_hours: int
    day: NDArray[np.int64]
    """Days since 1970-01-01."""
    minute: NDArray[np.int64]
    """Minutes after midnight, 0–1439."""

    def __len__(self) -> int:
        return len(self.instants)

    @property
    def hour(self) -> NDArray[np.int64]:
        """Hour of the day, 0–23."""
        return self.minute // _HOUR_MIN

    @property
    def weekday(self) -> NDArray[np.int64]:
        """Monday is 0."""
        return (self.day + _EPOCH_WEEKDAY) % _WEEK_DAYS

    def stretch(self, unit: Unit) -> NDArray[np.int64]:
        """The number of each moment's day, week or month, as the ledger counts them."""
        return stretch_of(unit, self.day)


def moments(at: Instant, zone: str, horizon_hours: int) -> Moments:
    """Now, then every full hour on the zone's wall clock up to the horizon, in their order.

    An hour that the clock skips does not come, one that it repeats comes twice.

    Raises:
        ZoneInfoNotFoundError: No IANA zone has this name.
    """
    ahead, day, minute = _local(zone, at // _MINUTE_US, horizon_hours)
    instants = ahead.copy()
    instants[0] = at
    return Moments(instants, zone, horizon_hours, day, minute)


@lru_cache(maxsize=AT_ONCE)
def _local(zone: str, minute: int, hours: int) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """The instants that come into question, days and minutes: the same for all who ask in this minute."""
    at = Instant(minute * _MINUTE_US)
    ahead, minutes = _hours_ahead(zone, at // _QUARTER_US, hours)
    found = (
        np.concatenate(([at], ahead)),
        *np.divmod(np.concatenate(([minute + offset_min(zone, at)], minutes)), _DAY_MIN),
    )
    for each in found:
        each.setflags(write=False)
    return found


@lru_cache(maxsize=AT_ONCE)
def _hours_ahead(zone: str, quarter: int, hours: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Full hours after the instants of a quarter of an hour: the same for all, since each begins a quarter."""
    ahead = [(quarter + step) * _QUARTER_US for step in range(1, 4 * hours + 1)]
    local = [us // _MINUTE_US + offset_min(zone, Instant(us)) for us in ahead]
    full = [number for number, minute in enumerate(local) if minute % _HOUR_MIN == 0]
    return (
        np.array([ahead[number] for number in full], dtype=np.int64),
        np.array([local[number] for number in full], dtype=np.int64),
    )


@dataclass(frozen=True, eq=False)
class Timetable:
    """The hours in which channels are silent."""

    quiet: tuple[Quiet, ...]
    channels: tuple[str, ...]
    horizon_hours: int

    def moments(self, at: Instant, zone: str, now_only: bool = False) -> Moments:
        """The moments that come into question."""
        return moments(at, zone, 0 if now_only else self.horizon_hours)

    def silent(self, found: Moments) -> Flags | None:
        """Where each channel is silent, bool ``[n_channels, n_moments]``; None where none ever is."""
        if not self.quiet:
            return None
        return _silent(self, found.zone, int(found.instants[0]) // _MINUTE_US, found.horizon_hours)


@lru_cache(maxsize=AT_ONCE)
def _silent(timetable: Timetable, zone: str, minute: int, horizon_hours: int) -> Flags:
    """Everyone in a zone who asks in the same minute shares the answer."""
    found = moments(Instant(minute * _MINUTE_US), zone, horizon_hours)
    rows = np.zeros((len(timetable.channels), len(found)), dtype=np.bool_)
    for quiet in timetable.quiet:
        within = is_quiet(quiet, found.minute, found.weekday)
        for row, channel in enumerate(timetable.channels):
            if not quiet.channels or channel in quiet.channels:
                rows[row] |= within
    rows.setflags(write=False)
    return rows


def is_quiet(quiet: Quiet, minute: NDArray[np.int64], weekday: NDArray[np.int64]) -> Flags:
    """Where the wall clock shows a quiet time, bool of the arguments' shape.

    What begins in the evening and ends in the morning belongs to the day on which it began.
    """
    overnight = quiet.ends_min <= quiet.begins_min
    begun, ended = minute >= quiet.begins_min, minute >= quiet.ends_min
    today = _listed(quiet, weekday)
    if not overnight:
        return begun & ~ended & today
    return (begun & today) | (~ended & _listed(quiet, (weekday - 1) % _WEEK_DAYS))


def _listed(quiet: Quiet, weekday: NDArray[np.int64]) -> Flags:
    found: Flags = np.isin(weekday, quiet.weekdays) if quiet.weekdays else np.ones(weekday.shape, dtype=np.bool_)
    return found
