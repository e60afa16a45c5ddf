from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.domain import HOUR, Instant
from features.instant import format_instant, parse_instant
from serving.moments import Moments, Timetable, is_quiet, moments
from serving.policy.policy import Quiet

ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "America/St_Johns")
INSTANTS = st.integers(parse_instant("2023-01-01T00:00:00Z"), parse_instant("2025-12-31T00:00:00Z")).map(Instant)


def wall(us: int, zone: str) -> datetime:
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=us)).astimezone(ZoneInfo(zone))


@given(INSTANTS, st.sampled_from(ZONES), st.integers(0, 48))
def test_every_full_hour_of_the_zones_clock_up_to_the_horizon_comes_once(at: Instant, zone: str, hours: int) -> None:
    found = moments(at, zone, hours)
    minute = 60_000_000
    first = at // minute * minute + minute
    every = range(first, at + hours * HOUR + 1, minute)
    assert found.instants.tolist() == [at, *(us for us in every if wall(us, zone).minute == 0)]
    clocks = [wall(us, zone) for us in found.instants.tolist()]
    assert found.minute.tolist() == [clock.hour * 60 + clock.minute for clock in clocks]
    assert found.weekday.tolist() == [clock.weekday() for clock in clocks]


@pytest.mark.parametrize(
    ("at", "hours"),
    [("2024-03-30T22:30:00Z", [23, 0, 1, 3, 4, 5]), ("2024-10-26T22:30:00Z", [0, 1, 2, 2, 3, 4])],
)
def test_an_hour_that_the_clock_skips_does_not_come_and_one_that_it_repeats_comes_twice(
    at: str, hours: list[int]
) -> None:
    assert moments(parse_instant(at), "Europe/Berlin", 5).hour.tolist() == hours


MINUTES = st.integers(0, 1439)


@given(INSTANTS, st.sampled_from(ZONES), MINUTES, MINUTES, st.sets(st.integers(0, 6), max_size=3))
def test_quiet_hours_belong_to_the_day_on_which_they_begin(
    at: Instant, zone: str, begins: int, ends: int, days: set[int]
) -> None:
    quiet = Quiet(begins, ends, (), tuple(days))
    clock = wall(at, zone).replace(tzinfo=None)
    length = timedelta(minutes=(ends - begins) % 1440 or 1440)
    midnight = clock.replace(hour=0, minute=0, second=0, microsecond=0)
    begun = [midnight + timedelta(days=back, minutes=begins) for back in (-1, 0)]
    expected = any(b <= clock < b + length and (not days or b.weekday() in days) for b in begun)
    found = moments(at, zone, 0)
    assert is_quiet(quiet, found.minute, found.weekday).tolist() == [expected]


@given(INSTANTS, st.sampled_from(ZONES), MINUTES, MINUTES)
def test_what_is_kept_for_the_minute_holds_for_every_instant_of_it(
    at: Instant, zone: str, begins: int, ends: int
) -> None:
    quiet = (Quiet(begins, ends, ("sms",)),)
    table = Timetable(quiet, ("email", "sms"), 24)
    for instant in (at, Instant(at // 60_000_000 * 60_000_000), Instant(at // 60_000_000 * 60_000_000 + 59_999_999)):
        found = table.moments(instant, zone)
        silent = table.silent(found)
        assert silent is not None
        assert not silent[0].any()
        assert np.array_equal(silent[1], is_quiet(quiet[0], found.minute, found.weekday))


def test_now_or_never_looks_no_further() -> None:
    at = parse_instant("2024-05-06T18:20:00Z")
    for found in (moments(at, "UTC", 0), Timetable((), (), 24).moments(at, "UTC", now_only=True)):
        assert isinstance(found, Moments)
        assert [format_instant(Instant(us)) for us in found.instants.tolist()] == ["2024-05-06T18:20:00Z"]
