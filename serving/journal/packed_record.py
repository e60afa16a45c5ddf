"""A decision in one piece: what was answered, the names of the features, their values, what was found, and what
it rested on.

What is the same in every row of the matrix, as all that concerns the customer is, is kept once.
"""

from __future__ import annotations

import json
import zlib
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from serving.journal.said import Said, squeeze, unsqueeze
from serving.kernels.folding import fold_rows

Matrix = NDArray[np.float32]


class Unpacked(NamedTuple):
    """What was packed."""

    names: tuple[str, ...]
    matrix: Matrix
    findings: bytes
    basis: bytes
    """Empty in records of older builds, which kept it by itself."""
    squeezed: bytes = b""
    """What was answered; empty in records of older builds, which kept it by itself."""

    @property
    def said(self) -> Said | None:
        """The same; None in records of older builds.

        Raises:
            ValueError: It was changed since.
        """
        return unsqueeze(self.squeezed) if self.squeezed else None


def pack(said: Said, names: tuple[str, ...], matrix: Matrix, findings: bytes, basis: bytes) -> bytes:
    """The bytes; ``matrix`` is ``[n_pairs, n_names]``."""
    bits = np.ascontiguousarray(matrix, dtype="<f4").view("<u4")
    rows, columns = bits.shape
    marks = np.empty((columns + 7) // 8, dtype=np.uint8)
    once, each = np.empty(columns, dtype="<u4"), np.empty(rows * columns, dtype="<u4")
    same = fold_rows(bits, marks, once, each)
    told = (
        squeeze(said),
        _squeezed(names),
        rows,
        marks.tobytes(),
        once[: same if rows else 0].tobytes(),
        each[: rows * (columns - same)].tobytes(),
        findings,
        basis,
    )
    return _WRITE.encode(told)


def unpack(packed: bytes) -> Unpacked:
    """What was packed, by this build or by one of those that kept the basis by itself, or what was answered.

    Raises:
        ValueError: It was changed since.
    """
    said, basis = b"", b""
    if packed.startswith(_OLDEST):
        told, rows, marks, once, each, findings = _READ_OLDEST.decode(packed)
    elif packed.startswith(_OLDER):
        told, rows, marks, once, each, findings, basis = _READ_OLDER.decode(packed)
    else:
        said, told, rows, marks, once, each, findings, basis = _READ.decode(packed)
    names = _names(told)
    same = np.unpackbits(np.frombuffer(marks, dtype=np.uint8), count=len(names)).astype(np.bool_)
    bits = np.empty((rows, len(names)), dtype="<u4")
    if rows:
        bits[:, same] = np.frombuffer(once, dtype="<u4")
        bits[:, ~same] = np.frombuffer(each, dtype="<u4").reshape(rows, -1)
    return Unpacked(names, bits.view("<f4"), findings, basis, said)


def answered(row: Any) -> str:
    """The answer of a decision as it is kept, JSON.

    ``decision_id``, ``answer`` and ``packed`` are among the columns read.

    Raises:
        ValueError: It was changed since.
    """
    packed: bytes | None = row.packed
    kept: str = row.answer
    if packed is None or packed.startswith((_OLDEST, _OLDER)):
        return kept
    try:
        return unsqueeze(_READ.decode(packed)[0]).answer
    except ValueError as error:
        raise ValueError(f"decision {row.decision_id}: {error}") from error


@lru_cache(maxsize=16)
def _squeezed(names: tuple[str, ...]) -> bytes:
    """The same ones for every decision of a build."""
    return zlib.compress(json.dumps(names).encode(), 9)


@lru_cache(maxsize=16)
def _names(squeezed: bytes) -> tuple[str, ...]:
    try:
        return tuple(json.loads(zlib.decompress(squeezed)))
    except zlib.error as error:
        raise ValueError(f"the names of the features cannot be read ({error})") from error


_OLDEST, _OLDER = b"\x96", b"\x97"
"""How lists of six and of seven begin."""
_WRITE = msgspec.msgpack.Encoder()
_READ_OLDEST = msgspec.msgpack.Decoder(tuple[bytes, int, bytes, bytes, bytes, bytes])
_READ_OLDER = msgspec.msgpack.Decoder(tuple[bytes, int, bytes, bytes, bytes, bytes, bytes])
_READ = msgspec.msgpack.Decoder(tuple[bytes, bytes, int, bytes, bytes, bytes, bytes, bytes])
