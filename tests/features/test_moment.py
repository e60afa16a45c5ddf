from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.domain import Instant
from features.instant import parse_instant
from features.moment import hour_key, moment, offset_min, weekday_key

ZONES = ["UTC", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Kiritimati"]


@given(st.sampled_from(ZONES), st.integers(0, 4_000_000_000_000_000))
def test_hour_and_weekday_are_those_of_the_wall_clock(zone: str, at: int) -> None:
    wall = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=at)).astimezone(ZoneInfo(zone))
    found = moment([zone], np.array([at]))
    assert (found.hour[0], found.weekday[0]) == (wall.hour, wall.weekday())


@pytest.mark.parametrize(("at", "minutes"), [("2024-03-10T06:59:59Z", -300), ("2024-03-10T07:00:00Z", -240)])
def test_the_offset_changes_with_summer_time(at: str, minutes: int) -> None:
    assert offset_min("America/New_York", parse_instant(at)) == minutes


def test_keys_are_those_under_which_events_are_remembered() -> None:
    assert (hour_key(7.0), weekday_key(6.0)) == ("07", "6")


def test_an_unknown_zone_is_named() -> None:
    with pytest.raises(KeyError, match="Mars"):
        offset_min("Mars/Olympus", Instant(0))
