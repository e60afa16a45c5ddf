"""Statements about several of a kind at once: of few sizes, so that a database reads each of them only once."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import TypeVar

T = TypeVar("T")


def filled(values: Sequence[T]) -> list[T]:
    """The values, and the first of them again until they are a power of two; at least one is needed."""
    n = len(values)
    return [*values, *[values[0]] * ((1 << (n - 1).bit_length()) - n)]


def numbered(noun: str, values: Sequence[T]) -> dict[str, T]:
    """The values as parameters ``noun_0``, ``noun_1`` and so on, filled up to a power of two."""
    told = filled(values)
    return dict(zip(_names(noun, len(told)), told, strict=True))


@cache
def _names(noun: str, n: int) -> tuple[str, ...]:
    return tuple(f"{noun}_{number}" for number in range(n))
