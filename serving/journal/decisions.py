"""Decisions as they were answered, with exactly what the models saw."""

from __future__ import annotations

import json
import zlib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, func, insert, select

from features.domain import CustomerId, DecisionId, Instant
from serving.journal.schema import DECISIONS
from serving.journal.written import Written


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
    findings: str = ""
    """JSON of what was found, without rounding."""
    state: bytes | None = None
    """The customer's, packed."""
    digest: str = field(default="", compare=False)
    """Over all the rest, from when it was kept; empty before, and where an older build made it."""

    def seal(self) -> str:
        """The digest of all the rest."""
        shape = f"[{_listed(*self.versions.items())}, {_named(self.names)}, {_named(self.pairs)}]"
        told = (self.decision_id, self.customer_id, str(self.at), self.request, self.answer)
        texts = (*told, shape, self.basis, self.findings)
        found = sha256()
        for part in (*(text.encode() for text in texts), _plain(self.matrix), self.state or b""):
            found.update(len(part).to_bytes(8, "big") + part)
        return found.hexdigest()

    @property
    def intact(self) -> bool:
        """True where nothing was changed since it was kept."""
        return self.digest == self.seal()


AT_ONCE = 500
"""Decisions in memory at once while many are read."""
Row = Mapping[str, object]
"""The columns of a decision."""
_ADD = Written(insert(DECISIONS))


@lru_cache(maxsize=64)
def _listed(*versions: tuple[str, str | None]) -> str:
    return json.dumps(dict(versions))


@lru_cache(maxsize=4_096)
def _named(names: tuple[str | tuple[str, str], ...]) -> str:
    """As JSON; the same few columns, and often the same pairs."""
    return json.dumps(names)


def write_decision(connection: Connection, decision: Record) -> None:
    """Keep a decision."""
    write_row(connection, row_of(decision))


def write_row(connection: Connection, row: Row) -> None:
    """Keep a decision that was packed and sealed before its turn came."""
    _ADD.run(connection, row)


def row_of(decision: Record) -> Row:
    """A decision as it is kept."""
    return {
        "decision_id": decision.decision_id,
        "customer_id": decision.customer_id,
        "at_us": decision.at,
        "request": decision.request,
        "answer": decision.answer,
        "versions": _listed(*decision.versions.items()),
        "names": _named(decision.names),
        "pairs": _named(decision.pairs),
        "matrix": zlib.compress(_plain(decision.matrix), 1),
        "basis": decision.basis,
        "findings": decision.findings,
        "digest": decision.seal(),
        "state": decision.state,
    }


def read_decision(connection: Connection, decision_id: DecisionId) -> Record | None:
    """A kept decision, None for an unknown id."""
    row = connection.execute(select(DECISIONS).where(DECISIONS.c.decision_id == decision_id)).first()
    return None if row is None else _record(row)


def read_decisions(connection: Connection, since: Instant, until: Instant) -> Iterator[Record]:
    """The decisions made from one instant to before another, oldest first; many at a time are read."""
    rows = select(DECISIONS).where(DECISIONS.c.at_us >= since, DECISIONS.c.at_us < until)
    ordered = rows.order_by(DECISIONS.c.at_us, DECISIONS.c.decision_id)
    for row in connection.execution_options(yield_per=AT_ONCE).execute(ordered):
        yield _record(row)


def latest_bases(connection: Connection, most: int) -> list[str]:
    """What the latest decisions rest on, as JSON; without those that an older build made."""
    rows = select(DECISIONS.c.basis).order_by(DECISIONS.c.at_us.desc()).limit(most)
    return [text for text in connection.execute(rows).scalars() if text]


@dataclass(frozen=True, slots=True)
class Asked:
    """Who asked for a decision, when, and for what."""

    customer_id: CustomerId
    at: Instant
    request: str
    """JSON."""


def recent_asks(connection: Connection, since: Instant) -> list[Asked]:
    """What was asked since an instant, oldest first."""
    columns = (DECISIONS.c.customer_id, DECISIONS.c.at_us, DECISIONS.c.request)
    rows = connection.execute(select(*columns).where(DECISIONS.c.at_us >= since).order_by(DECISIONS.c.at_us))
    return [Asked(CustomerId(row.customer_id), Instant(row.at_us), row.request) for row in rows]


def ids_since(connection: Connection, since: Instant) -> list[tuple[DecisionId, Instant]]:
    """The ids of decisions from an instant on, oldest first."""
    rows = select(DECISIONS.c.decision_id, DECISIONS.c.at_us).where(DECISIONS.c.at_us >= since)
    ordered = connection.execute(rows.order_by(DECISIONS.c.at_us, DECISIONS.c.decision_id))
    return [(DecisionId(row.decision_id), Instant(row.at_us)) for row in ordered]


def latest_decision(connection: Connection) -> Instant | None:
    """When the latest decision was made; None before the first."""
    found = connection.execute(select(func.max(DECISIONS.c.at_us))).scalar_one()
    return None if found is None else Instant(found)


def _record(row: Any) -> Record:
    names = tuple(json.loads(row.names))
    pairs = tuple((offer, channel) for offer, channel in json.loads(row.pairs))
    flat = np.frombuffer(zlib.decompress(row.matrix), dtype="<f4")
    return Record(
        DecisionId(row.decision_id),
        CustomerId(row.customer_id),
        Instant(row.at_us),
        row.request,
        row.answer,
        json.loads(row.versions),
        names,
        pairs,
        flat.reshape(len(names), len(pairs)).T,
        row.basis,
        row.findings,
        row.state,
        row.digest,
    )


def read_answers(connection: Connection, decision_ids: Collection[DecisionId]) -> dict[DecisionId, str]:
    """The answers, JSON, of those of some decisions that are kept; at most some thousands at once."""
    rows = select(DECISIONS.c.decision_id, DECISIONS.c.answer).where(DECISIONS.c.decision_id.in_(decision_ids))
    return {DecisionId(row.decision_id): row.answer for row in connection.execute(rows)}


def _plain(matrix: NDArray[np.float32]) -> bytes:
    """By column: the customer's features are the same in every row, so this compresses to a fraction of the room."""
    return np.ascontiguousarray(matrix.T, dtype="<f4").tobytes()
