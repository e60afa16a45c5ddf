"""What all customers showed of every offer, as a value that can be kept and named."""

from __future__ import annotations

import struct
from base64 import b85encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256

from features.codec import Packed, pack, unpack
from features.domain import Instant, OfferId
from features.schema import EVIDENCE_SCHEMA
from features.state import State
from features.stored import EVIDENCE, state_from_row, state_to_row

_LENGTH = struct.Struct("<I")
_EPOCH = Instant(0)


@dataclass(frozen=True)
class Snapshot:
    """States by offer."""

    states: Mapping[OfferId, State] = field(default_factory=dict)

    @cached_property
    def packed(self) -> bytes:
        """Everything in it, the same bytes for the same states; ``unpacked`` reads it back."""
        parts = []
        for offer_id, state in sorted(self.states.items()):
            value = pack(EVIDENCE, Packed(_EPOCH, _EPOCH, 0, state_to_row(state, EVIDENCE_SCHEMA)))
            for part in (offer_id.encode(), value):
                parts += [_LENGTH.pack(len(part)), part]
        return b"".join(parts)

    @cached_property
    def text(self) -> str:
        """``packed`` as it is kept in a column of text (base 85)."""
        return b85encode(self.packed).decode()

    @cached_property
    def fingerprint(self) -> str:
        """16 hex digits of all of it."""
        return sha256(self.packed).hexdigest()[:16]

    @staticmethod
    def unpacked(value: bytes) -> Snapshot:
        """What ``packed`` wrote.

        Raises:
            SchemaMismatchError: It was written by a build with other evidence.
        """
        parts, offset = [], 0
        while offset < len(value):
            (length,) = _LENGTH.unpack_from(value, offset)
            offset += _LENGTH.size + length
            parts.append(value[offset - length : offset])
        pairs = zip(parts[::2], parts[1::2], strict=True)
        return Snapshot({OfferId(name.decode()): _state(held) for name, held in pairs})


def _state(value: bytes) -> State:
    return state_from_row(unpack(EVIDENCE, value).row, EVIDENCE_SCHEMA)
