"""Decisions in the journal: written once, read back with exactly what the models saw."""

from __future__ import annotations

import json
import zlib
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from sqlalchemy import Connection, bindparam, func, insert, literal_column, select

from features.domain import CustomerId, DecisionId, Instant
from serving.journal.packed_record import Unpacked, answered, pack, unpack
from serving.journal.record import Record, Row, listed, seal_packed
from serving.journal.said import Said
from serving.journal.schema import DECISIONS
from serving.journal.written import Written

AT_ONCE = 500
"""Decisions in memory at once while many are read."""
_KEPT = "decision_id", "customer_id", "at_us", "request", "matrix", "packed", "digest"
_TEXTS = "answer", "versions", "names", "pairs"
"""Columns of older builds."""
_ADD = Written(
    insert(DECISIONS).values(
        {name: bindparam(name) for name in _KEPT} | {name: literal_column("''") for name in _TEXTS}
    )
)


def write_decision(connection: Connection, decision: Record) -> None:
    """Keep a decision."""
    write_row(connection, row_of(decision))


def write_row(connection: Connection, row: Row) -> None:
    """Keep a decision that was packed and sealed before its turn came."""
    _ADD.run(connection, row)


def write_rows(connection: Connection, rows: Iterable[Row]) -> None:
    """Keep several."""
    _ADD.run_all(connection, rows)


def row_of(decision: Record) -> Row:
    """A decision as it is kept, sealed."""
    said = Said(decision.answer, listed(*decision.versions.items()), decision.pairs, decision.state)
    decision_id, customer_id, at, request = decision.decision_id, decision.customer_id, decision.at, decision.request
    packed = pack(said, decision.names, decision.matrix, decision.findings, decision.basis)
    return {
        "decision_id": decision_id,
        "customer_id": customer_id,
        "at_us": at,
        "request": request,
        "matrix": b"",
        "packed": packed,
        "digest": seal_packed(decision_id, customer_id, at, request, packed),
    }


def is_kept(connection: Connection, decision_id: DecisionId) -> bool:
    """True for a decision that was kept and was not erased with its customer."""
    rows = select(DECISIONS.c.decision_id).where(DECISIONS.c.decision_id == decision_id)
    return connection.execute(rows).first() is not None


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


def latest_bases(connection: Connection, most: int) -> list[bytes]:
    """What the latest decisions rest on; without those that the oldest builds made, or that were changed since."""
    rows = select(DECISIONS.c.basis, DECISIONS.c.packed).order_by(DECISIONS.c.at_us.desc()).limit(most)
    found = (_basis(row) for row in connection.execute(rows))
    return [basis for basis in found if basis]


def _basis(row: Any) -> bytes:
    """That of a row, wherever its build kept it; empty where it cannot be read."""
    kept: str = row.basis
    try:
        return kept.encode() if kept or row.packed is None else unpack(row.packed).basis
    except ValueError:
        return b""


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
    if row.packed is None:
        return _assembled(row, _told(row), _laid_out(row))
    unpacked = unpack(row.packed)
    return _assembled(row, unpacked.said or _told(row), unpacked)


def _told(row: Any) -> Said:
    """What was answered, of an older build, which kept it in columns of its own."""
    pairs = tuple((offer, channel) for offer, channel in json.loads(row.pairs))
    return Said(row.answer, row.versions, pairs, row.state)


def _assembled(row: Any, said: Said, unpacked: Unpacked) -> Record:
    return Record(
        DecisionId(row.decision_id),
        CustomerId(row.customer_id),
        Instant(row.at_us),
        row.request,
        said.answer,
        json.loads(said.versions),
        unpacked.names,
        said.pairs,
        unpacked.matrix,
        unpacked.basis or row.basis.encode(),
        unpacked.findings,
        said.state,
        row._mapping,
    )


def _laid_out(row: Any) -> Unpacked:
    """What is packed of a decision, of an older build, which kept it by itself."""
    names, pairs = tuple(json.loads(row.names)), len(json.loads(row.pairs))
    flat = np.frombuffer(zlib.decompress(row.matrix), dtype="<f4")
    return Unpacked(names, flat.reshape(len(names), pairs).T, row.findings.encode(), row.basis.encode())


def read_answers(connection: Connection, decision_ids: Collection[DecisionId]) -> dict[DecisionId, str]:
    """The answers, JSON, of those of some decisions that are kept; at most some thousands at once."""
    rows = select(DECISIONS.c.decision_id, DECISIONS.c.answer, DECISIONS.c.packed).where(
        DECISIONS.c.decision_id.in_(decision_ids)
    )
    return {DecisionId(row.decision_id): answered(row) for row in connection.execute(rows)}
