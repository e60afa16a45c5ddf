"""Packed values as Feast's protobuf messages: written in the wire format by copying, parsed by protobuf's own C.

A message for each value costs Feast most of its time. Here the numbers of a row become bytes in one go, and one parse
makes all of its messages.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import numpy as np
from feast.protos.feast.types.Value_pb2 import RepeatedValue
from feast.protos.feast.types.Value_pb2 import Value as ProtoValue
from numpy.typing import NDArray

from features.codec import Raw, layout, raw, several
from features.stored import Column, Shape, Stored

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_VARINT = 10
"""Bytes of an integer of 64 bits; shorter ones are padded, which every reader of protobuf accepts."""
_SHIFTS = np.arange(0, 7 * _VARINT, 7, dtype=np.uint64)
_GOES_ON = np.array([0x80] * (_VARINT - 1) + [0], dtype=np.uint8)
_FIRST = 0x0A
"""Mark of a message's first field where that has a length: ``RepeatedValue.val`` and ``FeatureVector.values``."""
_DOUBLE, _INT64 = 0x29, 0x20
_TEXT, _TEXTS, _INTS, _FLOATS = b"\x12", b"\x62", b"\x72", b"\x7a"
NULL = bytes((_FIRST, 0))
"""A value that is not known, as one of ``values``."""


def moment(value: Raw) -> datetime:
    """The instant that a value describes."""
    return _EPOCH + value.event_at * _MICROSECOND


@dataclass(frozen=True)
class Fields:
    """Which columns of a view are wanted, and where they stand among those of their shape."""

    view: Stored
    names: tuple[str, ...]
    """In the order in which ``encoded`` gives them: numbers, integers, the others."""
    floats: NDArray[np.intp]
    integers: NDArray[np.intp]
    others: tuple[tuple[int, Column], ...]

    @staticmethod
    @cache
    def of(view: Stored, wanted: tuple[str, ...] | None) -> Fields:
        """Those of the wanted columns that the view has; all where None."""
        asked = frozenset(wanted if wanted is not None else (column.name for column in view.columns))
        at = layout(view)
        floats, integers, others = (
            [(place, c) for place, c in enumerate(found) if c.name in asked]
            for found in (at.columns[Shape.FLOAT], at.columns[Shape.INT], at.several)
        )
        return Fields(
            view,
            tuple(c.name for _, c in (*floats, *integers, *others)),
            np.array([place for place, _ in floats], dtype=np.intp),
            np.array([place for place, _ in integers], dtype=np.intp),
            tuple(others),
        )

    def encoded(self, value: Raw) -> list[bytes]:
        """Each wanted value as an element of a repeated first field."""
        blocks = (self._floats(value).tobytes(), 11), (self._integers(value).tobytes(), 3 + _VARINT)
        numbers = [block[at : at + width] for block, width in blocks for at in range(0, len(block), width)]
        return [*numbers, *self._others(value)]

    def messages(self, packed: bytes) -> tuple[datetime, dict[str, ProtoValue]]:
        """The instant of a packed value and its wanted values by name.

        Raises:
            SchemaMismatchError: The value was written under another schema; materialise again.
        """
        value = raw(self.view, packed)
        whole = b"".join((self._floats(value).tobytes(), self._integers(value).tobytes(), *self._others(value)))
        return moment(value), dict(zip(self.names, RepeatedValue.FromString(whole).val, strict=True))

    def plain(self, value: Raw) -> list[Any]:
        """Each wanted value as Python has it, in the order of ``names``."""
        numbers = [*value.floats[self.floats].tolist(), *value.integers[self.integers].tolist()]
        if not self.others:
            return numbers
        held = several(layout(self.view), value)
        return [*numbers, *(_plain(column, held[place]) for place, column in self.others)]

    def _floats(self, value: Raw) -> NDArray[np.uint8]:
        elements = np.empty((len(self.floats), 11), dtype=np.uint8)
        elements[:, :3] = (_FIRST, 9, _DOUBLE)
        elements[:, 3:] = value.floats[self.floats].view(np.uint8).reshape(-1, 8)
        return elements

    def _integers(self, value: Raw) -> NDArray[np.uint8]:
        elements = np.empty((len(self.integers), 3 + _VARINT), dtype=np.uint8)
        elements[:, :3] = (_FIRST, 1 + _VARINT, _INT64)
        elements[:, 3:] = _varints(value.integers[self.integers])
        return elements

    def _others(self, value: Raw) -> list[bytes]:
        if not self.others:
            return []
        held = several(layout(self.view), value)
        return [element(_other(column, held[place])) for place, column in self.others]


def _plain(column: Column, held: Any) -> Any:
    match column.shape:
        case Shape.TEXT:
            return held[0].decode()
        case Shape.TEXTS:
            return [text.decode() for text in held]
        case _:
            return held.tolist()


def timestamp(value: Raw) -> bytes:
    """The instant that a value describes as an element of ``FeatureVector.event_timestamps``."""
    seconds, micros = divmod(int(value.event_at), 1_000_000)
    both = _varints(np.array([seconds, micros * 1_000], dtype=np.int64)).tobytes()
    return b"".join((b"\x1a\x16\x08", both[:_VARINT], b"\x10", both[_VARINT:]))


def _varints(numbers: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Each integer in seven bits a byte, lowest first, ``[n, 10]``."""
    bits = (numbers.view(np.uint64)[:, None] >> _SHIFTS).astype(np.uint8)
    return np.bitwise_or(np.bitwise_and(bits, np.uint8(0x7F)), _GOES_ON)


def length(n: int) -> bytes:
    """A length in seven bits a byte, lowest first."""
    if n < 0x80:
        return _SHORT[n]
    out = bytearray()
    while n >= 0x80:
        out.append(n & 0x7F | 0x80)
        n >>= 7
    out.append(n)
    return bytes(out)


_SHORT = tuple(bytes((n,)) for n in range(0x80))


def element(body: bytes) -> bytes:
    """Bytes as an element of a repeated first field."""
    return b"\x0a" + length(len(body)) + body


def _other(column: Column, held: Any) -> bytes:
    """A text or a list as a ``Value``."""
    match column.shape:
        case Shape.TEXT:
            return b"".join((_TEXT, length(len(held[0])), held[0]))
        case Shape.TEXTS:
            body = b"".join([part for text in held for part in (b"\x0a", length(len(text)), text)])
            return _TEXTS + length(len(body)) + body
        case Shape.FLOATS:
            mark, numbers = _FLOATS, held.tobytes()
        case _:
            mark, numbers = _INTS, _varints(held).tobytes()
    body = b"\x0a" + length(len(numbers)) + numbers if numbers else b""
    return mark + length(len(body)) + body
