"""Opens the journal's database: SQLite in WAL mode, or PostgreSQL. The only place that knows their differences."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any, Literal

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError

from serving.journal.errors import JournalError
from serving.journal.written import Written

Synchronous = Literal["FULL", "NORMAL"]
# IMMEDIATE, or two writers that have both read would find each other in the way when they come to write.
_BEGIN = {True: Written(text("BEGIN IMMEDIATE")), False: Written(text("BEGIN"))}
_COMMIT = Written(text("COMMIT"))
BUSY_MS = 30_000
"""How long a writer waits for another process's transaction on SQLite."""
PAGE = 8_192
"""Bytes of a page of SQLite's. A decision takes a few dozen thousand: larger pages are fewer to write, each of them
twice, and still not too large for the indices, of which every decision changes a page."""
CACHE_KIB = 4_096
"""Pages that each connection to SQLite holds at most: a service has dozens of connections, and they fill up. It is more
than a group of decisions changes; what else is not held is read from the system's cache, which all share."""


def open_engine(uri: str, synchronous: Synchronous = "FULL") -> Engine:
    """An engine whose connections begin writes and reads as ``writer`` and ``reader`` say.

    Args:
        uri: ``sqlite:///path`` or ``postgresql://user@host/name``.
        synchronous: On SQLite, FULL survives a power cut, NORMAL may then lose the last transactions; both survive
            ``kill -9``. PostgreSQL has its own setting.

    Raises:
        JournalError: The address names another database.
    """
    url = make_url(uri)
    if url.get_backend_name() == "sqlite":
        return _sqlite(uri, url.database or "", synchronous)
    if url.get_backend_name() == "postgresql":
        return create_engine(url.set(drivername="postgresql+psycopg"), pool_size=8, max_overflow=24)
    raise JournalError(f"{uri!r} is no journal: use sqlite:///path or postgresql://user@host/name")


def _sqlite(uri: str, path: str, synchronous: Synchronous) -> Engine:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(uri, pool_size=8, max_overflow=24, connect_args={"check_same_thread": False})

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # else the driver decides by itself when a transaction begins
        for pragma in (
            f"busy_timeout={BUSY_MS}",
            f"page_size={PAGE}",  # of a file that is still to be made; others keep theirs
            "journal_mode=WAL",
            f"synchronous={synchronous}",
            "secure_delete=ON",
            "temp_store=MEMORY",
            f"cache_size=-{CACHE_KIB}",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        if not _raw(connection).in_transaction:  # else ``begin_writing`` has begun it
            write = connection.get_execution_options().get("kairos_write", False)
            _BEGIN[write].run(connection, {})

    return engine


def writer(engine: Engine) -> Engine:
    """The same database for transactions that write."""
    return engine.execution_options(kairos_write=True)


def be_patient(connection: Connection, patient: bool) -> None:
    """Whether to wait, on SQLite, until another process has written. To be patient again before it is given back."""
    _raw(connection).execute(f"PRAGMA busy_timeout={BUSY_MS if patient else 0}")


def begin_writing(connection: Connection, patient: bool) -> bool:
    """Begin a transaction that writes, past SQLAlchemy, which joins it where something is run through it.

    False where another process writes just now, and a connection to SQLite is not patient.

    Raises:
        DBAPIError: The database cannot be written to.
    """
    if connection.dialect.name != "sqlite":
        connection.begin()
        return True
    try:
        _BEGIN[True].run(connection, {})
    except OperationalError as error:
        if patient or not held_up(error.orig):
            raise
        return False
    return True


def end_writing(connection: Connection) -> None:
    """Make what was written durable; raises as ``begin_writing``."""
    if connection.in_transaction():
        connection.commit()
    else:
        _COMMIT.run(connection, {})


def _raw(connection: Connection) -> Any:
    return connection.connection.driver_connection


def held_up(error: BaseException | None) -> bool:
    """True where SQLite says that another process is at work, whatever it does (sqlite.org/rescode.html)."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY


def reader(engine: Engine) -> Engine:
    """The same database for transactions that read: all their statements see one snapshot."""
    if engine.dialect.name == "postgresql":
        return engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    return engine
