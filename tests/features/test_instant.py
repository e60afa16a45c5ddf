import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.domain import Instant
from features.errors import InstantError, KairosError
from features.instant import format_instant, parse_instant

YEAR_1 = -62_135_596_800_000_000
YEAR_9999 = 253_402_300_799_999_999


@given(st.integers(YEAR_1, YEAR_9999))
def test_every_instant_of_the_calendar_survives_the_way_out_and_back(us: int) -> None:
    assert parse_instant(format_instant(Instant(us))) == us


@pytest.mark.parametrize(
    ("text", "us"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01t00:00:00z", 0),
        ("1970-01-01T00:00:00.000001Z", 1),
        ("1970-01-01T00:00:00.1234567Z", 123_456),
        ("1969-12-31T19:00:00-05:00", 0),
        ("1969-12-31T23:59:59.999999Z", -1),
    ],
)
def test_zones_fractions_and_instants_before_1970_are_read_exactly(text: str, us: int) -> None:
    assert parse_instant(text) == us


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "2017-10-01",
        "2017-10-01T00:00:00",
        "2017-13-01T00:00:00Z",
        "2017-10-01 00:00:00Z",
        "٢017-10-01T00:00:00Z",
    ],
)
def test_anything_without_date_time_and_zone_is_refused_by_name(text: str) -> None:
    with pytest.raises(InstantError) as caught:
        parse_instant(text)
    assert repr(text) in str(caught.value)
    assert isinstance(caught.value, KairosError)


def test_an_instant_outside_the_calendar_is_refused_with_a_hint_at_the_unit() -> None:
    with pytest.raises(InstantError, match="microseconds"):
        format_instant(Instant(YEAR_9999 + 1))
