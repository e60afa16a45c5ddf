"""Identifiers that sort by the instant at which they were made (RFC 9562, UUID version 7)."""

from __future__ import annotations

import os

from features.domain import DecisionId, Instant

RANDOM_BYTES = 10
"""Random bytes that one identifier needs."""

_MILLISECONDS = (1 << 48) - 1
_VARIANT = "89ab"
"""The first digit of the fourth group: binary 10 and two random bits."""


def uuid7(at: Instant, random: bytes) -> DecisionId:
    """The identifier of an instant and ten random bytes.

    Raises:
        ValueError: Not ten bytes.

    >>> uuid7(Instant(1_000), bytes(10))
    '00000000-0001-7000-8000-000000000000'
    """
    if len(random) != RANDOM_BYTES:
        raise ValueError(f"{len(random)} random bytes: an identifier needs {RANDOM_BYTES}")
    when, drawn = f"{at // 1_000 & _MILLISECONDS:012x}", random.hex()
    return DecisionId(f"{when[:8]}-{when[8:]}-7{drawn[1:4]}-{_VARIANT[random[2] >> 4 & 3]}{drawn[5:8]}-{drawn[8:]}")


def new_id(at: Instant) -> DecisionId:
    """The identifier of a decision that is made at an instant; nobody had it before."""
    return uuid7(at, os.urandom(RANDOM_BYTES))
