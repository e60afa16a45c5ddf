"""One setting: its name, its default, what it means, and how its text is read.

Readers raise SettingsError that says what would be right.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from features.errors import SettingsError

PREFIX = "KAIROS_"


@dataclass(frozen=True, slots=True)
class Setting:
    """One row of the table."""

    name: str
    default: str
    """The default as it would stand in the environment; empty where the setting is unset."""
    sentence: str
    read: Callable[[str], object]
    """From the text to the value; SettingsError says what would be right."""

    @property
    def variable(self) -> str:
        """The environment variable."""
        return PREFIX + self.name.upper()


def text(text: str) -> str:
    """The text as it is."""
    return text


def path(text: str) -> Path:
    """A path, in which ~ is the home folder."""
    return Path(text).expanduser()


def optional(read: Callable[[str], object]) -> Callable[[str], object]:
    """None for an empty text, else what ``read`` makes of it."""
    return lambda text: read(text) if text else None


def one_of(*words: str) -> Callable[[str], str]:
    """One of these words."""

    def read(text: str) -> str:
        if text not in words:
            raise SettingsError(f"use one of: {', '.join(words)}")
        return text

    return read


def number(low: float = 0.0, high: float = math.inf, *, above: bool = False) -> Callable[[str], float]:
    """A number in a span."""
    span = f"{'above' if above else 'from'} {low:g}" + (f" to {high:g}" if high < math.inf else "")

    def read(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            raise SettingsError(f"use a number {span}") from None
        if not math.isfinite(value) or value < low or value > high or (above and value == low):
            raise SettingsError(f"use a number {span}")
        return value

    return read


def whole(low: int, high: int) -> Callable[[str], int]:
    """A whole number in a span."""

    def read(text: str) -> int:
        digits = text.removeprefix("-")
        if not (digits.isascii() and digits.isdigit()) or not low <= int(text) <= high:
            raise SettingsError(f"use a whole number from {low} to {high}")
        return int(text)

    return read


def yes(text: str) -> bool:
    """True for yes, False for no."""
    return one_of("yes", "no")(text) == "yes"


def redis(text: str) -> str:
    """An address of Redis."""
    if not text.startswith(("redis://", "rediss://", "unix://")):
        raise SettingsError("use redis://host:6379/0, rediss:// with encryption, or unix:///path/of/the/socket?db=0")
    return text


def currency(text: str) -> str:
    """A currency, ISO 4217."""
    if not (len(text) == 3 and text.isascii() and text.isalpha() and text.isupper()):
        raise SettingsError("use the three capitals of ISO 4217, such as USD")
    return text
