"""Identifiers that sort by the instant at which they were made (RFC 9562, UUID version 7)."""

from __future__ import annotations

from features.domain import DecisionId, Instant

RANDOM_BYTES = 10
"""Random bytes that one identifier needs."""


def uuid7(at: Instant, random: bytes) -> DecisionId:
    """The identifier of an instant and ten random bytes.

    Raises:
        ValueError: Not ten bytes.

    >>> uuid7(Instant(1_000), bytes(10))
    '00000000-0001-7000-8000-000000000000'
    """
    if len(random) != RANDOM_BYTES:
        raise ValueError(f"{len(random)} random bytes: an identifier needs {RANDOM_BYTES}")
    value = bytearray((at // 1_000 & (1 << 48) - 1).to_bytes(6, "big") + random)
    value[6] = value[6] & 0x0F | 0x70
    value[8] = value[8] & 0x3F | 0x80
    digits = value.hex()
    return DecisionId("-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:])))
