"""Instants as text: RFC 3339 outside, microseconds since 1970-01-01 UTC inside."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from features.domain import Instant
from features.errors import InstantError

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)", re.ASCII | re.IGNORECASE)


def parse_instant(text: str) -> Instant:
    """The instant of an RFC 3339 text with a zone, such as ``2017-10-01T00:00:00Z``.

    Digits beyond the microsecond are cut. Raises InstantError for anything else, a missing zone included.

    >>> parse_instant("1970-01-01T01:00:00.5+01:00")
    500000
    """
    if _RFC_3339.fullmatch(text) is None:
        raise InstantError(f"{text!r} is not an instant: write date, time and zone, such as 2017-10-01T12:00:00Z")
    try:
        moment = datetime.fromisoformat(text.upper())
        return Instant((moment - _EPOCH) // _MICROSECOND)
    except (ValueError, OverflowError) as error:
        raise InstantError(f"{text!r} is not an instant: {error}") from error


@lru_cache(maxsize=4_096)
def format_instant(instant: Instant) -> str:
    """The instant as RFC 3339 in UTC, with microseconds only where there are any.

    Raises InstantError outside the years 1 to 9999.

    >>> format_instant(Instant(1_500_000))
    '1970-01-01T00:00:01.500000Z'
    """
    try:
        moment = _EPOCH + timedelta(microseconds=instant)
    except OverflowError as error:
        raise InstantError(
            f"{instant} µs lies outside the years 1 to 9999: check that it counts microseconds"
        ) from error
    return moment.replace(tzinfo=None).isoformat() + "Z"
