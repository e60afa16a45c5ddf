"""What was answered, and what was known of the customer, as a decision's record holds it: compressed.

An answer repeats its names in every item, and a state is zero in most places: less than half of their bytes is left to
seal and to write, which saves more than it takes to compress them.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec
from lz4 import block

MOST = 1 << 28
"""Bytes that no answer reaches; a length that was changed since is not believed."""


class Said(NamedTuple):
    """What was answered."""

    answer: str
    """JSON."""
    versions: str
    """JSON."""
    pairs: tuple[tuple[str, str], ...]
    """Offer and channel of each item."""
    state: bytes | None
    """The customer's, packed; None where nothing was known."""


def squeeze(said: Said) -> bytes:
    """The bytes; ``unsqueeze`` reads them."""
    squeezed: bytes = block.compress(_WRITE.encode(said))
    return squeezed


def unsqueeze(squeezed: bytes) -> Said:
    """What ``squeeze`` wrote.

    Raises:
        ValueError: It was changed since.
    """
    size = int.from_bytes(squeezed[:4], "little")
    if size > MOST:
        raise ValueError(f"what was answered cannot be read (it would be {size} bytes long)")
    try:
        return _READ.decode(block.decompress(squeezed))
    except block.LZ4BlockError as error:
        raise ValueError(f"what was answered cannot be read ({error})") from error


_WRITE = msgspec.msgpack.Encoder()
_READ = msgspec.msgpack.Decoder(Said)
