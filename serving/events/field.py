"""Reads one field of a JSON object: absent, right, or refused by name."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Mapping

from features.domain import HOUR, MAX_ID_LENGTH, Instant
from features.errors import InstantError
from features.instant import parse_instant
from features.rules import EARLIEST
from serving.events.arrival import RefusedError

Json = Mapping[str, object]
MOST_MINOR = 10**15
"""Largest amount of money in one event, minor units: sums of many stay exact in float64."""
_EARLIEST = parse_instant(EARLIEST)
AHEAD = 24 * HOUR
"""How far a clock elsewhere may be ahead."""
_OFFSET = re.compile(r"([+-])(\d\d):(\d\d)$")
_MOST_OFFSET_MIN = 14 * 60


def text(item: Json, name: str, most: int = MAX_ID_LENGTH) -> str | None:
    """A short text without control characters; None where absent or null. Numbers are taken as their digits."""
    value = item.get(name)
    if value is None:
        return None
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        raise RefusedError("wrong_type", f"{name} has to be a text, not {_shown(value)}")
    if not value or len(value) > most:
        raise RefusedError("wrong_length", f"{name} has {len(value)} characters: use 1 to {most}")
    if not value.isprintable() and any(unicodedata.category(c) in ("Cc", "Cs") for c in value):
        raise RefusedError("wrong_text", f"{name} holds a control character or half a character: leave it out")
    return value


def required(item: Json, name: str, most: int = MAX_ID_LENGTH) -> str:
    """As ``text``, but refused where absent."""
    value = text(item, name, most)
    if value is None:
        raise RefusedError("missing", f"{name} is missing")
    return value


def whole(item: Json, name: str, most: int = MOST_MINOR) -> int | None:
    """A whole number from 0; None where absent or null."""
    value = item.get(name)
    if value is None:
        return None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise RefusedError("wrong_type", f"{name} has to be a whole number, not {_shown(value)}")
    if not 0 <= value <= most:
        raise RefusedError("out_of_range", f"{name} is {_shown(value)}: use 0 to {most}")
    return value


def number(item: Json, name: str, most: float = 1e12) -> float | None:
    """A finite number from 0; None where absent or null."""
    value = item.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise RefusedError("wrong_type", f"{name} has to be a number, not {_shown(value)}")
    if not math.isfinite(value) or not 0 <= value <= most:
        raise RefusedError("out_of_range", f"{name} is {_shown(value)}: use 0 to {most:g}")
    return float(value)


def flag(item: Json, name: str) -> bool:
    """True or false; false where absent or null."""
    value = item.get(name)
    if value is None:
        return False
    if not isinstance(value, bool):
        raise RefusedError("wrong_type", f"{name} has to be true or false, not {_shown(value)}")
    return value


def document(item: Json, name: str) -> Json:
    """An object; empty where absent or null."""
    value = item.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise RefusedError("wrong_type", f"{name} has to be an object, not {_shown(value)}")
    return value


def instant(item: Json, name: str, now: Instant) -> tuple[Instant, int | None]:
    """The instant and the offset of the clock that wrote it, minutes east; the present where absent.

    The offset is None where it is absent or 0: machines write UTC wherever the customer is.

    Raises RefusedError before 1990 and more than 24 hours ahead of ``now``.
    """
    value = text(item, name, 40)
    if value is None:
        return now, None
    try:
        at = parse_instant(value)
    except InstantError as error:
        raise RefusedError("wrong_instant", f"{name}: {error}") from None
    if at > now + AHEAD:
        hours = (at - now) / HOUR
        raise RefusedError("in_the_future", f"{name} {value} lies {hours:.1f} hours ahead: at most 24 are taken")
    if at < _EARLIEST:
        raise RefusedError("too_early", f"{name} {value} lies before 1990: check the unit of the clock that wrote it")
    return at, _offset_min(value)


def _offset_min(text: str) -> int | None:
    found = _OFFSET.search(text)
    minutes = 0 if found is None else int(found[1] + "1") * (int(found[2]) * 60 + int(found[3]))
    return minutes or None


def offset(item: Json, name: str) -> int | None:
    """Minutes east of UTC; None where absent or null."""
    value = item.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) > _MOST_OFFSET_MIN:
        raise RefusedError("out_of_range", f"{name} is {_shown(value)}: use -{_MOST_OFFSET_MIN} to {_MOST_OFFSET_MIN}")
    return value


def _shown(value: object) -> str:
    return repr(value)[:40]
