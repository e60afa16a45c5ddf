"""A decision as it was answered, with exactly what the models saw, and the seal that shows that nobody changed it."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256

import numpy as np
from numpy.typing import NDArray

from features.domain import CustomerId, DecisionId, Instant

Row = Mapping[str, object]
"""The columns of a decision."""


@dataclass(frozen=True, slots=True)
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
    basis: str = ""
    """JSON of what it rests on beside the versions; empty where an older build made it."""
    findings: bytes = b""
    """What was found, without rounding; empty where an older build made it."""
    state: bytes | None = None
    """The customer's, packed."""
    kept: Row = field(default_factory=dict, compare=False, repr=False)
    """How it is kept; empty before."""

    @property
    def intact(self) -> bool:
        """True where nothing was changed since it was kept."""
        if not self.kept:
            return False
        return self.kept["digest"] == (self._sealed_once() if self.kept["packed"] is None else seal(self.kept))

    def _sealed_once(self) -> str:
        """The digest that builds made which kept everything by itself."""
        shape = f"[{listed(*self.versions.items())}, {named(self.names)}, {named(self.pairs)}]"
        told = (self.decision_id, self.customer_id, str(self.at), self.request, self.answer, shape, self.basis)
        matrix = np.ascontiguousarray(self.matrix.T, dtype="<f4").tobytes()
        found = sha256()
        for part in (*(text.encode() for text in told), self.findings, matrix, self.state or b""):
            found.update(len(part).to_bytes(8, "big") + part)
        return found.hexdigest()


def seal(row: Row) -> str:
    """The digest over all other columns of a row, as they are kept, in the order of their names."""
    parts = [_plain(row[name]) for name in _SEALED]
    head = struct.pack(f">{len(parts)}q", *(-1 if part is None else len(part) for part in parts))
    return sha256(b"".join((head, *(part or b"" for part in parts)))).hexdigest()


_SEALED = (
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


def _plain(value: object) -> bytes | None:
    if isinstance(value, str):
        return value.encode()
    return value if value is None or isinstance(value, bytes) else str(value).encode()


@lru_cache(maxsize=64)
def listed(*versions: tuple[str, str | None]) -> str:
    """Versions as JSON."""
    return json.dumps(dict(versions))


@lru_cache(maxsize=64)  # of hundreds of pairs one is as long as all that is left of a decision
def named(names: tuple[str | tuple[str, str], ...]) -> str:
    """Names or pairs as JSON; the same few columns, and often the same pairs."""
    return json.dumps(names)
