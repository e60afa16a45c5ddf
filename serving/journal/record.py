"""A decision as it was answered, with exactly what the models saw, and the seal that shows that nobody changed it."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from dataclasses import field
from functools import lru_cache
from hashlib import sha256
from operator import itemgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.domain import CustomerId, DecisionId, Instant
from features.quick import quick

Row = Mapping[str, Any]
"""The columns of a decision."""


@quick(frozen=True, slots=True)
class Record:
    """One decision as it was answered, with what the models saw."""

    decision_id: DecisionId
    customer_id: CustomerId
    at: Instant
    request: str
    """JSON."""
    answer: str
    """JSON."""
    versions: Mapping[str, str | None]
    names: tuple[str, ...]
    """Columns of the matrix."""
    pairs: tuple[tuple[str, str], ...]
    """Its rows: offer and channel."""
    matrix: NDArray[np.float32]
    """Exactly what was scored, ``[n_pairs, n_names]``."""
    basis: bytes = b""
    """What it rests on beside the versions; empty where an older build made it."""
    findings: bytes = b""
    """What was found, without rounding, as far as the answer does not tell it; empty where an older build made it."""
    state: bytes | None = None
    """The customer's, packed."""
    kept: Row = field(default_factory=dict, compare=False, repr=False)
    """How it is kept; empty before."""

    @property
    def intact(self) -> bool:
        """True where nothing was changed since it was kept."""
        if not self.kept:
            return False
        again = self._sealed_once() if self.kept["packed"] is None else seal(self.kept)
        return bool(again == self.kept["digest"])

    def _sealed_once(self) -> str:
        """The digest that builds made which kept everything by itself."""
        shape = f"[{listed(*self.versions.items())}, {named(self.names)}, {named(self.pairs)}]"
        told = (self.decision_id, self.customer_id, str(self.at), self.request, self.answer, shape)
        matrix = np.ascontiguousarray(self.matrix.T, dtype="<f4").tobytes()
        found = sha256()
        for part in (*(text.encode() for text in told), self.basis, self.findings, matrix, self.state or b""):
            found.update(len(part).to_bytes(8, "big") + part)
        return found.hexdigest()


def seal(row: Row) -> str:
    """The digest over all other columns of a row, as they are kept, in the order of their names."""
    plain = [
        part.encode() if isinstance(part, str) else b"%d" % part if isinstance(part, int) else part
        for part in _SEALED(row)
    ]
    head = _LENGTHS.pack(*[-1 if part is None else len(part) for part in plain])
    return sha256(head + b"".join(filter(None, plain))).hexdigest()


def seal_packed(decision_id: str, customer_id: str, at: int, request: str, packed: bytes) -> str:
    """The same of a row that keeps everything else in ``packed``."""
    when, who, which, asked = b"%d" % at, customer_id.encode(), decision_id.encode(), request.encode()
    head = _LENGTHS.pack(0, len(when), 0, len(who), len(which), 0, 0, 0, len(packed), 0, len(asked), -1, 0)
    return sha256(b"".join((head, when, who, which, packed, asked))).hexdigest()


_COLUMNS = (
    "answer",
    "at_us",
    "basis",
    "customer_id",
    "decision_id",
    "findings",
    "matrix",
    "names",
    "packed",
    "pairs",
    "request",
    "state",
    "versions",
)


_SEALED, _LENGTHS = itemgetter(*_COLUMNS), struct.Struct(f">{len(_COLUMNS)}q")


@lru_cache(maxsize=64)
def listed(*versions: tuple[str, str | None]) -> str:
    """Versions as JSON."""
    return json.dumps(dict(versions))


def named(names: tuple[str | tuple[str, str], ...]) -> str:
    """Names or pairs as JSON, as older builds sealed them."""
    return json.dumps(names)
