"""Caps counted by hand, with the calendar of the standard library."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.domain import DAY, HOUR, Category, ChannelName, Instant, OfferId
from features.instant import parse_instant
from serving.ledger.contact import Contact, ContactId, Standing
from serving.ledger.counting import blocked, full, holding, kept_slots, length_us, stretch
from serving.policy.policy import Cap, Kept, Per
from serving.policy.window import Unit, Window

BERLIN = "Europe/Berlin"
ZONES = (BERLIN, "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "UTC")
CLOCKS_CHANGE = parse_instant("2024-10-27T00:00:00Z")
"""In Berlin, this Sunday has 25 hours; and in the week after it clocks change in New York."""

hours = st.integers(-24 * 40, 24 * 40).map(lambda quarter: Instant(CLOCKS_CHANGE + quarter * HOUR // 4))


def contact(moment: int, channel: str = "email", **more: object) -> Contact:
    given: dict[str, object] = {
        "offers": (OfferId("tea"),),
        "categories": (Category("drinks"),),
        "purposes": ("marketing",),
        "priority": 0,
        "counts": True,
        "standing": Standing.CONFIRMED,
        "expires_at": Instant(moment + HOUR),
        **more,
    }
    return Contact(ContactId(f"c{moment}"), ChannelName(channel), Instant(moment), **given)  # type: ignore[arg-type]


@given(st.lists(hours, max_size=9), hours, st.integers(1, 4), st.integers(1, 200))
def test_one_more_is_too_many_where_some_run_of_contacts_with_it_is_shorter_than_the_window(
    times: list[Instant], moment: Instant, most: int, length_h: int
) -> None:
    together = sorted([*times, moment])
    runs = [together[i : i + most + 1] for i in range(len(together) - most)]
    expected = any(moment in run and run[-1] - run[0] < length_h * HOUR for run in runs)
    assert bool(full(Window(hours=length_h), most, times, np.array([moment]), "UTC")[0]) is expected


def local(instant: int, zone: str) -> datetime:
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=int(instant))).astimezone(ZoneInfo(zone))


def same(unit: Unit, left: datetime, right: datetime) -> bool:
    if unit is Unit.MONTH:
        return (left.year, left.month) == (right.year, right.month)
    return left.date() == right.date() if unit is Unit.DAY else left.isocalendar()[:2] == right.isocalendar()[:2]


@given(st.lists(hours, max_size=9), hours, st.integers(1, 3), st.sampled_from(ZONES), st.sampled_from(list(Unit)))
def test_one_more_is_too_many_in_a_full_stretch_of_the_customers_calendar(
    times: list[Instant], moment: Instant, most: int, zone: str, unit: Unit
) -> None:
    held = sum(same(unit, local(time, zone), local(moment, zone)) for time in times)
    assert bool(full(Window(calendar=unit), most, times, np.array([moment]), zone)[0]) is (held >= most)


@given(st.lists(hours, min_size=2), st.sampled_from(ZONES), st.sampled_from(list(Unit)))
def test_stretches_of_the_calendar_follow_each_other_and_are_no_longer_than_said(
    times: list[Instant], zone: str, unit: Unit
) -> None:
    ordered = np.array(sorted(times))
    numbers = stretch(unit, ordered, zone)
    assert all(after >= before for before, after in pairwise(numbers.tolist()))
    for number in set(numbers.tolist()):
        inside = ordered[numbers == number]
        assert inside[-1] - inside[0] < length_us(Window(calendar=unit))


def test_a_day_of_25_hours_is_one_day() -> None:
    first = parse_instant("2024-10-26T22:00:00Z")  # midnight in Berlin
    moments = first + np.arange(26) * HOUR
    cap = Cap("daily", Per.CHANNEL, 1, Window(calendar=Unit.DAY))
    held = [contact(first)]
    assert blocked(cap, "email", held, moments, BERLIN).tolist() == [True] * 25 + [False]
    assert blocked(cap, "email", held, moments, "UTC").tolist() == [True] * 2 + [False] * 24


def test_contacts_ahead_count_as_well() -> None:
    cap = Cap("weekly", Per.ALL, 1, Window(hours=7 * 24))
    ahead = [contact(CLOCKS_CHANGE + 3 * DAY)]
    moments = np.array([CLOCKS_CHANGE - 5 * DAY, CLOCKS_CHANGE - 4 * DAY, CLOCKS_CHANGE, CLOCKS_CHANGE + 10 * DAY])
    assert blocked(cap, "", ahead, moments, "UTC").tolist() == [False, False, True, False]


@pytest.mark.parametrize(
    ("per", "subject", "other"),
    [
        (Per.CHANNEL, "email", "push"),
        (Per.OFFER, "tea", "rum"),
        (Per.CATEGORY, "drinks", "bread"),
        (Per.PURPOSE, "marketing", "service"),
    ],
)
def test_a_cap_counts_each_subject_by_itself_and_one_that_names_a_subject_that_one_alone(
    per: Per, subject: str, other: str
) -> None:
    held, now = [contact(CLOCKS_CHANGE)], np.array([CLOCKS_CHANGE])
    each, day = Cap("each", per, 1, Window(hours=24)), Window(hours=24)
    assert blocked(each, subject, held, now, "UTC").tolist() == [True]
    assert blocked(each, other, held, now, "UTC").tolist() == [False]
    assert blocked(Cap("one", per, 1, day, of=subject), subject, held, now, "UTC").tolist() == [True]
    assert blocked(Cap("one", per, 0, day, of=other), subject, held, now, "UTC").tolist() == [False]


def test_a_cap_of_none_is_never_and_kept_slots_are_for_messages_above_their_priority() -> None:
    now = np.array([CLOCKS_CHANGE])
    assert blocked(Cap("never", Per.ALL, 0, Window(hours=1)), "", [], now, "UTC").tolist() == [True]
    cap, kept = Cap("four", Per.ALL, 4, Window(hours=24)), Kept(0.3, above_priority=50)
    assert (kept_slots(kept, cap, 50), kept_slots(kept, cap, 51), kept_slots(None, cap, 0)) == (1, 0, 0)
    held = [contact(CLOCKS_CHANGE + minute) for minute in range(3)]
    assert blocked(cap, "", held, now, "UTC", kept_slots(kept, cap, 50)).tolist() == [True]
    assert blocked(cap, "", held, now, "UTC", kept_slots(kept, cap, 51)).tolist() == [False]


def test_a_slot_is_held_by_what_counts_and_cannot_be_displaced() -> None:
    at = CLOCKS_CHANGE
    reserved = contact(at, standing=Standing.RESERVED, priority=10)
    confirmed = contact(at, standing=Standing.CONFIRMED, priority=10)
    expired = contact(at - 2 * HOUR, standing=Standing.RESERVED)
    released = contact(at, standing=Standing.RELEASED)
    uncounted = contact(at, counts=False)
    known = [reserved, confirmed, expired, released, uncounted]
    assert holding(known, at, 10) == [reserved, confirmed]
    assert holding(known, at, 11) == [confirmed]
