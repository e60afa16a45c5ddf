"""One packed value per entity and view: header, numbers, texts. Read and written without Feast.

The numbers of all columns stand in two blocks, aligned, so that each is one array over the bytes as they were read, and
the texts of all columns stand in one, parted by a byte that none of them has.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.domain import Instant
from features.errors import KairosError
from features.stored import Column, Shape, Stored, Value

MAGIC = b"KRS2"
HEADER = struct.Struct("<4s16sqqq")
F8, I8 = np.dtype("<f8"), np.dtype("<i8")


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
    row: Mapping[str, Value]


class Raw(NamedTuple):
    """A packed value cut into its blocks; the arrays are views of the value and cannot be written to."""

    event_at: Instant
    created_at: Instant
    position: int
    counts: Sequence[int]
    """How many items each column has that may have several, or is a text; in the order of ``Layout.several``."""
    floats: NDArray[np.float64]
    """Those of single columns, then those of lists; each in the order of the view."""
    integers: NDArray[np.int64]
    """The same."""
    texts: bytes
    """What is left: the parting byte, then all texts of the view in UTF-8, parted by it; empty without any text."""


class Layout(NamedTuple):
    """Where the parts of a view's values stand."""

    head: struct.Struct
    """Header and counts, as long as it takes to align what follows."""
    mark: bytes
    """How every value of the view begins."""
    columns: dict[Shape, tuple[Column, ...]]
    several: tuple[Column, ...]
    """Columns with a count: lists of numbers, of integers, then texts and lists of them."""
    n: tuple[int, int, int, int]
    """Columns of numbers, of integers, of lists of numbers, and of lists of either."""


@cache
def layout(view: Stored) -> Layout:
    """How the values of a view are laid out."""
    columns = {shape: tuple(c for c in view.columns if c.shape is shape) for shape in Shape}
    texts = tuple(c for c in view.columns if c.shape in (Shape.TEXT, Shape.TEXTS))
    several = (*columns[Shape.FLOATS], *columns[Shape.INTS], *texts)
    padding = -(HEADER.size + 4 * len(several)) % 8
    head = struct.Struct(f"{HEADER.format}{len(several)}I{padding}x")
    mark = MAGIC + view.fingerprint.encode()[:16].ljust(16, b"\0")
    floats, integers = len(columns[Shape.FLOATS]), len(columns[Shape.INTS])
    n = (len(columns[Shape.FLOAT]), len(columns[Shape.INT]), floats, floats + integers)
    return Layout(head, mark, columns, several, n)


def pack(view: Stored, packed: Packed) -> bytes:
    """The bytes of one value. Every column of the view must be in the row."""
    at, row = layout(view), packed.row
    held: dict[str, Any] = {c.name: [row[c.name]] if c.shape is Shape.TEXT else row[c.name] for c in view.columns}
    numbers = []
    for single, several, kind in ((Shape.FLOAT, Shape.FLOATS, F8), (Shape.INT, Shape.INTS, I8)):
        numbers.append(np.array([held[c.name] for c in at.columns[single]], dtype=kind).tobytes())
        numbers += [np.asarray(held[c.name], dtype=kind).tobytes() for c in at.columns[several]]
    texts = [text for c in at.several if c.shape in (Shape.TEXT, Shape.TEXTS) for text in held[c.name]]
    counts = [len(held[c.name]) for c in at.several]
    return joined(at, (packed.event_at, packed.created_at, packed.position), counts, numbers, texts)


def joined(
    at: Layout,
    provenance: tuple[Instant, Instant, int],
    counts: Sequence[int],
    numbers: Sequence[bytes],
    texts: Sequence[str],
) -> bytes:
    """A value of its blocks; its provenance is the first three fields of ``Packed``."""
    return b"".join([at.head.pack(MAGIC, at.mark[4:], *provenance, *counts), *numbers, _parted(texts)])


def _parted(texts: Sequence[str]) -> bytes:
    """Texts in one, after the byte that parts them: zero, or the first that no text has."""
    if not texts:
        return b""
    joined = "\0".join(texts)
    if joined.count("\0") == len(texts) - 1:
        return b"\0" + joined.encode()
    taken = set("".join(texts))
    mark = next((chr(code) for code in range(0x80) if chr(code) not in taken), None)
    if mark is None:
        raise ValueError("texts with every character of ASCII cannot be packed together")
    return (mark + mark.join(texts)).encode()


def parts(texts: bytes) -> list[bytes]:
    """The texts that were put into one, in UTF-8."""
    return texts[1:].split(texts[:1]) if texts else []


def event_instant(value: bytes) -> tuple[Instant, Instant]:
    """The event and creation instants of a packed value without unpacking it."""
    _, _, event_at, created_at, _ = HEADER.unpack_from(value)
    return Instant(event_at), Instant(created_at)


def precedence(value: bytes) -> tuple[int, Instant, Instant]:
    """What decides which of two values of one key stays: the higher journal position, then the later instants."""
    _, _, event_at, created_at, position = HEADER.unpack_from(value)
    return position, event_at, created_at


def at_position(value: bytes, position: int) -> bytes:
    """The same packed value, including the journal up to another position."""
    magic, tag, event_at, created_at, _ = HEADER.unpack_from(value)
    return HEADER.pack(magic, tag, event_at, created_at, position) + value[HEADER.size :]


def raw(view: Stored, value: bytes) -> Raw:
    """The blocks of a packed value.

    Raises:
        SchemaMismatchError: The value was written under another schema; materialise again.
    """
    at = layout(view)
    if not value.startswith(at.mark):
        raise mismatch(view, value)
    _, _, event_at, created_at, position, *counts = at.head.unpack_from(value)
    n_floats, n_integers, lists, all_lists = at.n
    n_floats += sum(counts[:lists])
    n_integers += sum(counts[lists:all_lists])
    begin = at.head.size
    middle = begin + 8 * n_floats
    return Raw(
        event_at,
        created_at,
        position,
        counts,
        np.frombuffer(value, F8, n_floats, begin),
        np.frombuffer(value, I8, n_integers, middle),
        value[middle + 8 * n_integers :],
    )


def mismatch(view: Stored, value: bytes) -> SchemaMismatchError:
    """What to say of a value that does not begin as the view's do."""
    return SchemaMismatchError(
        f"the stored {view.name} value has schema {value[4:20].decode(errors='replace')!r} of layout "
        f"{value[:4].decode(errors='replace')!r}, this build reads {view.fingerprint!r} of {MAGIC.decode()!r}: "
        "run `make features` to write it anew"
    )


def unpack(view: Stored, value: bytes) -> Packed:
    """The value that ``pack`` wrote; lists of numbers come back as numpy arrays.

    Raises:
        SchemaMismatchError: The value was written under another schema; materialise again.
    """
    at, found = layout(view), raw(view, value)
    row: dict[str, Any] = {}
    for shape, numbers in ((Shape.FLOAT, found.floats), (Shape.INT, found.integers)):
        names = [c.name for c in at.columns[shape]]
        row.update(zip(names, numbers[: len(names)].tolist(), strict=True))
    for column, held in zip(at.several, several(at, found), strict=True):
        if column.shape is Shape.TEXT:
            row[column.name] = held[0].decode()
        else:
            row[column.name] = [text.decode() for text in held] if column.shape is Shape.TEXTS else held
    return Packed(found.event_at, found.created_at, found.position, {c.name: row[c.name] for c in view.columns})


def several(at: Layout, value: Raw) -> list[Any]:
    """What each column holds that has a count: an array, or texts in UTF-8 (one for a single text)."""
    texts = parts(value.texts)
    places = {Shape.FLOATS: len(at.columns[Shape.FLOAT]), Shape.INTS: len(at.columns[Shape.INT]), Shape.TEXTS: 0}
    blocks: dict[Shape, Any] = {Shape.FLOATS: value.floats, Shape.INTS: value.integers, Shape.TEXTS: texts}
    held = []
    for column, n in zip(at.several, value.counts, strict=True):
        block = Shape.TEXTS if column.shape is Shape.TEXT else column.shape
        held.append(blocks[block][places[block] : places[block] + n])
        places[block] += n
    return held
