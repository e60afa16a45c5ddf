"""One packed value per entity and view: header, numbers, lists. Read and written without Feast."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from features.domain import Instant
from features.errors import KairosError
from features.stored import Column, Row, Shape, Stored, Value

MAGIC = b"KRS1"
HEADER = struct.Struct("<4s16sqqq")
COUNT = struct.Struct("<I")


class SchemaMismatchError(KairosError):
    """A packed value was written under another schema; it must not be read as if it were this one."""


@dataclass(frozen=True, slots=True)
class Packed:
    """A stored value with its provenance."""

    event_at: Instant
    """Instant the value describes, microseconds UTC: what a time-to-live is measured from."""
    created_at: Instant
    position: int
    """Journal position included in the value; 0 where it came from a bulk load."""
    row: Row


def pack(view: Stored, packed: Packed) -> bytes:
    """The bytes of one value. Every column of the view must be in the row."""
    parts = [HEADER.pack(MAGIC, _tag(view), packed.event_at, packed.created_at, packed.position)]
    floats = [packed.row[c.name] for c in view.columns if c.shape is Shape.FLOAT]
    integers = [packed.row[c.name] for c in view.columns if c.shape is Shape.INT]
    parts.append(np.asarray(floats, dtype="<f8").tobytes())
    parts.append(np.asarray(integers, dtype="<i8").tobytes())
    parts.extend(_pack_list(c, packed.row[c.name]) for c in view.columns if c.shape not in (Shape.FLOAT, Shape.INT))
    return b"".join(parts)


def _tag(view: Stored) -> bytes:
    return view.fingerprint.encode()[:16].ljust(16, b"\0")


def _pack_list(column: Column, value: Value) -> bytes:
    if column.shape is Shape.TEXT:
        text = str(value).encode()
        return COUNT.pack(len(text)) + text
    items = cast("list[Any]", value)
    if column.shape is Shape.TEXTS:
        texts = [item.encode() for item in items]
        lengths = np.array([len(t) for t in texts], dtype="<u2").tobytes()
        return COUNT.pack(len(texts)) + lengths + b"".join(texts)
    kind = "<f8" if column.shape is Shape.FLOATS else "<i8"
    return COUNT.pack(len(items)) + np.asarray(items, dtype=kind).tobytes()


def event_instant(value: bytes) -> tuple[Instant, Instant]:
    """The event and creation instants of a packed value without unpacking it."""
    _, _, event_at, created_at, _ = HEADER.unpack_from(value)
    return Instant(event_at), Instant(created_at)


def precedence(value: bytes) -> tuple[int, Instant, Instant]:
    """What decides which of two values of one key stays: the higher journal position, then the later instants."""
    _, _, event_at, created_at, position = HEADER.unpack_from(value)
    return position, Instant(event_at), Instant(created_at)


def unpack(view: Stored, value: bytes) -> Packed:
    """The value that ``pack`` wrote; lists of numbers come back as numpy arrays.

    Raises:
        SchemaMismatchError: The value was written under another schema; materialise again.
    """
    magic, tag, event_at, created_at, position = HEADER.unpack_from(value)
    if magic != MAGIC or tag != _tag(view):
        raise SchemaMismatchError(
            f"the stored {view.name} value has schema {tag.decode(errors='replace')!r}, this build reads "
            f"{view.fingerprint!r}: run `make features` to write it anew"
        )
    row: dict[str, Any] = {}
    offset = HEADER.size
    for shape, kind in ((Shape.FLOAT, "<f8"), (Shape.INT, "<i8")):
        names = [c.name for c in view.columns if c.shape is shape]
        numbers = np.frombuffer(value, dtype=kind, count=len(names), offset=offset)
        row.update(zip(names, numbers.tolist(), strict=True))
        offset += numbers.nbytes
    for column in view.columns:
        if column.shape not in (Shape.FLOAT, Shape.INT):
            row[column.name], offset = _unpack_list(column, value, offset)
    return Packed(Instant(event_at), Instant(created_at), position, row)


def _unpack_list(column: Column, value: bytes, offset: int) -> tuple[Any, int]:
    (count,) = COUNT.unpack_from(value, offset)
    offset += COUNT.size
    if column.shape is Shape.TEXT:
        return value[offset : offset + count].decode(), offset + count
    if column.shape is Shape.TEXTS:
        lengths = np.frombuffer(value, dtype="<u2", count=count, offset=offset).tolist()
        offset += 2 * count
        texts = []
        for length in lengths:
            texts.append(value[offset : offset + length].decode())
            offset += length
        return texts, offset
    kind = "<f8" if column.shape is Shape.FLOATS else "<i8"
    numbers = np.frombuffer(value, dtype=kind, count=count, offset=offset)
    return numbers, offset + numbers.nbytes
