"""One packed value per entity and view: header, numbers, lists. Read and written without Feast."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from features.domain import Instant
from features.errors import KairosError
from features.schema import SCHEMA, Key, Section
from features.state import Memory, State, unset
from features.stored import Column, Row, Shape, Stored, Value

MAGIC = b"KRS1"
HEADER = struct.Struct("<4s16sqqq")
COUNT = struct.Struct("<I")
_INT = struct.Struct("<q")
_F8, _I8, _U2 = np.dtype("<f8"), np.dtype("<i8"), np.dtype("<u2")


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
    parts.append(np.asarray(floats, dtype=_F8).tobytes())
    parts.append(np.asarray(integers, dtype=_I8).tobytes())
    parts.extend(_pack_list(c, packed.row[c.name]) for c in view.columns if c.shape not in (Shape.FLOAT, Shape.INT))
    return b"".join(parts)


@cache
def _tag_of(fingerprint: str) -> bytes:
    return fingerprint.encode()[:16].ljust(16, b"\0")


def _tag(view: Stored) -> bytes:
    return _tag_of(view.fingerprint)


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


def at_position(value: bytes, position: int) -> bytes:
    """The same packed value, including the journal up to another position."""
    magic, tag, event_at, created_at, _ = HEADER.unpack_from(value)
    return HEADER.pack(magic, tag, event_at, created_at, position) + value[HEADER.size :]


def unpack(view: Stored, value: bytes) -> Packed:
    """The value that ``pack`` wrote; lists of numbers come back as numpy arrays.

    Raises:
        SchemaMismatchError: The value was written under another schema; materialise again.
    """
    event_at, created_at, position = _header(view, value)
    row: dict[str, Any] = {}
    offset = HEADER.size
    for shape, kind in ((Shape.FLOAT, _F8), (Shape.INT, _I8)):
        names = [c.name for c in view.columns if c.shape is shape]
        numbers = np.frombuffer(value, dtype=kind, count=len(names), offset=offset)
        row.update(zip(names, numbers.tolist(), strict=True))
        offset += numbers.nbytes
    for column in view.columns:
        if column.shape not in (Shape.FLOAT, Shape.INT):
            row[column.name], offset = _unpack_list(column, value, offset)
    return Packed(event_at, created_at, position, row)


def _header(view: Stored, value: bytes) -> tuple[Instant, Instant, int]:
    """Event and creation instants and position of a value of this very schema."""
    magic, tag, event_at, created_at, position = HEADER.unpack_from(value)
    if magic != MAGIC or tag != _tag(view):
        raise SchemaMismatchError(
            f"the stored {view.name} value has schema {tag.decode(errors='replace')!r}, this build reads "
            f"{view.fingerprint!r}: run `make features` to write it anew"
        )
    return Instant(event_at), Instant(created_at), position


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


@dataclass(frozen=True, slots=True)
class PackedState:
    """A stored state with its provenance, as ``Packed`` has it of a row."""

    event_at: Instant
    created_at: Instant
    position: int
    state: State


def pack_state(view: Stored, packed: PackedState, schema: tuple[Section, ...] = SCHEMA) -> bytes:
    """What ``pack`` makes of the state's columns, without going through them one by one."""
    state = packed.state
    head = HEADER.pack(MAGIC, _tag(view), packed.event_at, packed.created_at, packed.position)
    floats, integers, lists = [head], [_INT.pack(state.reference)], list[bytes]()
    for section, memory in zip(schema, state.memories, strict=True):
        if section.key is Key.NONE:
            known = bool(memory.keys)
            floats.append(np.asarray(memory.sums, _F8).tobytes() if known else bytes(8 * len(section.sums)))
            integers.append(np.asarray(memory.instants if known else unset(section), _I8).tobytes())
            continue
        lists.append(_pack_texts(memory.keys))
        lists.append(COUNT.pack(memory.sums.size) + np.asarray(memory.sums, _F8).tobytes())
        if section.extremes:
            lists.append(COUNT.pack(memory.instants.size) + np.asarray(memory.instants, _I8).tobytes())
    return b"".join([*floats, *integers, *lists])


def unpack_state(view: Stored, value: bytes, schema: tuple[Section, ...] = SCHEMA) -> PackedState:
    """The state in a packed value; its arrays are views of the value and cannot be written to.

    Raises:
        SchemaMismatchError: The value was written under another schema; materialise again.
    """
    event_at, created_at, position = _header(view, value)
    layout = _layout(schema)
    at_float, at_int, at_list = layout.starts
    (reference,) = _INT.unpack_from(value, at_int - _INT.size)
    memories = []
    for keyed, n_sums, n_extremes in layout.sections:
        if not keyed:
            sums, at_float = np.frombuffer(value, _F8, n_sums, at_float), at_float + 8 * n_sums
            instants, at_int = np.frombuffer(value, _I8, n_extremes, at_int), at_int + 8 * n_extremes
            memories.append(Memory(_WHOLE, sums[None], instants[None]))
            continue
        keys, at_list = _unpack_texts(value, at_list)
        sums, at_list = _unpack_numbers(value, _F8, at_list)
        instants, at_list = _unpack_numbers(value, _I8, at_list) if n_extremes else (_NONE, at_list)
        n = len(keys)
        memories.append(Memory(keys, sums.reshape(n, n_sums), instants.reshape(n, n_extremes)))
    return PackedState(event_at, created_at, position, State(Instant(reference), tuple(memories)))


class _Layout(NamedTuple):
    """Where a state's numbers begin in its value, and of each section whether it has keys, sums and extremes."""

    starts: tuple[int, int, int]
    """Sums without a key, extremes without a key, lists."""
    sections: tuple[tuple[bool, int, int], ...]


@cache
def _layout(schema: tuple[Section, ...]) -> _Layout:
    whole = [section for section in schema if section.key is Key.NONE]
    at_int = HEADER.size + 8 * sum(len(section.sums) for section in whole) + _INT.size
    at_list = at_int + 8 * sum(len(section.extremes) for section in whole)
    sections = tuple((section.key is not Key.NONE, len(section.sums), len(section.extremes)) for section in schema)
    return _Layout((HEADER.size, at_int, at_list), sections)


_WHOLE = ("",)
_NONE = np.zeros(0, dtype=np.int64)


def _pack_texts(texts: Sequence[str]) -> bytes:
    encoded = [text.encode() for text in texts]
    return COUNT.pack(len(encoded)) + struct.pack(f"<{len(encoded)}H", *map(len, encoded)) + b"".join(encoded)


def _unpack_texts(value: bytes, offset: int) -> tuple[tuple[str, ...], int]:
    (count,) = COUNT.unpack_from(value, offset)
    begin = offset + COUNT.size + 2 * count
    if not count:
        return (), begin
    ends = np.frombuffer(value, _U2, count, offset + COUNT.size).cumsum().tolist()
    last = begin + ends[-1]
    text = value[begin:last].decode()
    if len(text) == ends[-1]:  # a byte a letter, so all can be taken out of the same string
        return tuple([text[a:b] for a, b in zip([0, *ends[:-1]], ends, strict=True)]), last
    return tuple([value[begin + a : begin + b].decode() for a, b in zip([0, *ends[:-1]], ends, strict=True)]), last


def _unpack_numbers(value: bytes, kind: np.dtype[Any], offset: int) -> tuple[NDArray[Any], int]:
    (count,) = COUNT.unpack_from(value, offset)
    offset += COUNT.size
    return np.frombuffer(value, kind, count, offset), offset + 8 * count
