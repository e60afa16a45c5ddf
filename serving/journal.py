"""The record of every decision: append-only, written before the answer leaves. The one file that knows SQL."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import (
    BigInteger,
    Column,
    Engine,
    LargeBinary,
    MetaData,
    String,
    Table,
    create_engine,
    event,
    insert,
    select,
)
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from features.domain import CustomerId, DecisionId, Instant
from features.errors import KairosError


class JournalUnavailableError(KairosError):
    """The journal cannot be read or written now: nothing may be offered, as nothing could be remembered of it."""


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


class Journal(Protocol):
    """Where decisions are remembered."""

    def open(self) -> None:
        """Get ready, where that is possible: the first record then takes no longer than any other."""
        ...

    def record(self, decision: Record) -> None:
        """Keep a decision; on return it survives the end of the process. Raises JournalUnavailableError."""
        ...

    def decision(self, decision_id: DecisionId) -> Record | None:
        """A kept decision, None for an unknown id. Raises JournalUnavailableError."""
        ...

    def close(self) -> None:
        """Let go of whatever is held; the next use takes hold again."""
        ...


_METADATA = MetaData()
_DECISIONS = Table(
    "decisions",
    _METADATA,
    Column("decision_id", String(36), primary_key=True),
    Column("customer_id", String(128), nullable=False, index=True),
    Column("at_us", BigInteger, nullable=False),
    Column("request", String, nullable=False),
    Column("answer", String, nullable=False),
    Column("versions", String, nullable=False),
    Column("names", String, nullable=False),
    Column("pairs", String, nullable=False),
    Column("matrix", LargeBinary, nullable=False),
)


class SqlJournal:
    """Decisions in an SQL database; its table is made at the first use."""

    def __init__(self, uri: str) -> None:
        self._uri = uri
        self._opening = Lock()
        self._engine: Engine | None = None
        self._inode: int | None = None

    def open(self) -> None:
        """See Journal."""
        with suppress(SQLAlchemyError, OSError):
            self._ready()

    def record(self, decision: Record) -> None:
        """See Journal."""
        row = {
            "decision_id": decision.decision_id,
            "customer_id": decision.customer_id,
            "at_us": decision.at,
            "request": decision.request,
            "answer": decision.answer,
            "versions": json.dumps(decision.versions),
            "names": json.dumps(decision.names),
            "pairs": json.dumps(decision.pairs),
            "matrix": _squeeze(decision.matrix),
        }
        try:
            with self._ready().begin() as con:
                con.execute(insert(_DECISIONS), row)
        except (SQLAlchemyError, OSError) as error:
            raise self._unavailable(error) from error

    def decision(self, decision_id: DecisionId) -> Record | None:
        """See Journal."""
        try:
            with self._ready().connect() as con:
                row = con.execute(select(_DECISIONS).where(_DECISIONS.c.decision_id == decision_id)).mappings().first()
        except (SQLAlchemyError, OSError) as error:
            raise self._unavailable(error) from error
        return None if row is None else _record(row)

    def close(self) -> None:
        """See Journal."""
        with self._opening:
            self._let_go()

    def _ready(self) -> Engine:
        with self._opening:
            # SQLite would go on writing to a file that was deleted or replaced, and nobody could read it again.
            if self._engine is not None and _inode(self._uri) != self._inode:
                self._let_go()
            if self._engine is None:
                self._engine = _engine(self._uri)
                self._inode = _inode(self._uri)
            return self._engine

    def _let_go(self) -> None:
        if self._engine is not None:
            self._engine.dispose()
            self._engine = None

    def _unavailable(self, error: Exception) -> JournalUnavailableError:
        self.close()
        reason = str(error).splitlines()[0]
        return JournalUnavailableError(
            f"the journal {self._uri} cannot be used ({reason}): look at its folder and disk"
        )


def _file(uri: str) -> Path | None:
    """The file of an SQLite database; None for any other."""
    url = make_url(uri)
    return Path(url.database) if url.get_backend_name() == "sqlite" and url.database else None


def _inode(uri: str) -> int | None:
    file = _file(uri)
    return file.stat().st_ino if file is not None and file.exists() else None


def _engine(uri: str) -> Engine:
    file = _file(uri)
    engine = create_engine(uri)
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
        event.listen(engine, "connect", _pragmas)
    _METADATA.create_all(engine)
    return engine


def _pragmas(connection: Any, _: Any) -> None:
    # NORMAL survives the death of the process, at any moment; FULL would wait for the disk once per decision.
    for pragma in ("journal_mode = WAL", "synchronous = NORMAL", "busy_timeout = 5000"):
        connection.execute(f"PRAGMA {pragma}")


def _squeeze(matrix: NDArray[np.float32]) -> bytes:
    """By column: the customer's features are the same in every row, so this takes a fraction of the room."""
    return zlib.compress(np.ascontiguousarray(matrix.T, dtype="<f4").tobytes(), 1)


def _record(row: Mapping[Any, Any]) -> Record:
    names = tuple(json.loads(row["names"]))
    pairs = tuple((offer, channel) for offer, channel in json.loads(row["pairs"]))
    flat = np.frombuffer(zlib.decompress(row["matrix"]), dtype="<f4")
    return Record(
        DecisionId(row["decision_id"]),
        CustomerId(row["customer_id"]),
        Instant(row["at_us"]),
        row["request"],
        row["answer"],
        json.loads(row["versions"]),
        names,
        pairs,
        flat.reshape(len(names), len(pairs)).T,
    )
