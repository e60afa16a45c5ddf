"""What only a replay needs of a decision, in one piece: the names of the features, their values, what was found.

What is the same in every row of the matrix, as all that concerns the customer is, is kept once.
"""

from __future__ import annotations

import json
import zlib
from functools import lru_cache

import msgspec
import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float32]


def pack(names: tuple[str, ...], matrix: Matrix, findings: bytes) -> bytes:
    """The bytes; ``matrix`` is ``[n_pairs, n_names]``."""
    bits = np.ascontiguousarray(matrix, dtype="<f4").view("<u4")
    same = (bits == bits[:1]).all(axis=0) if len(bits) else np.ones(bits.shape[1], dtype=np.bool_)
    told = (
        _squeezed(names),
        len(bits),
        np.packbits(same).tobytes(),
        bits[:1, same].tobytes(),
        bits[:, ~same].tobytes(),
        findings,
    )
    return _WRITE.encode(told)


def unpack(packed: bytes) -> tuple[tuple[str, ...], Matrix, bytes]:
    """What was packed: names, matrix and findings.

    Raises:
        ValueError: It was changed since.
    """
    squeezed, rows, marks, once, each, findings = _READ.decode(packed)
    names = _names(squeezed)
    same = np.unpackbits(np.frombuffer(marks, dtype=np.uint8), count=len(names)).astype(np.bool_)
    bits = np.empty((rows, len(names)), dtype="<u4")
    if rows:
        bits[:, same] = np.frombuffer(once, dtype="<u4")
        bits[:, ~same] = np.frombuffer(each, dtype="<u4").reshape(rows, -1)
    return names, bits.view("<f4"), findings


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


_WRITE = msgspec.msgpack.Encoder()
_READ = msgspec.msgpack.Decoder(tuple[bytes, int, bytes, bytes, bytes, bytes])
