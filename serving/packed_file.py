"""The SQLite file of packed values: one table per project and view, one value per key, newer never replaced by older.

Shared by Feast's plug-in, which writes it, and by the service, which reads it. Through apsw, which takes half the time
of Python's own module for a read. Nobody may open this file with another copy of SQLite in the same process: on closing
it, one copy would let go of the locks that the other holds (sqlite.org/howtocorrupt.html, 2.2.1).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any

import apsw

from features.codec import precedence
from serving.several import filled

Asking = apsw.Connection | apsw.Cursor
Both = tuple[bytes | None, bytes | None]
"""The values of one key in two views."""
PROJECT = "kairos"
"""Name of the Feast project, part of every table's name."""
_BUSY_MS = 30_000
"""Milliseconds a writer waits for another one."""
PAGE = 8_192
"""Bytes of a page: most values fit into one, and a longer one is read in few steps."""
MAPPED = 1 << 30
"""Bytes of the file that are read as memory."""


@cache
def table_name(project: str, view: str) -> str:
    """The table of a view's values, quoted for SQL."""
    return '"' + f"{project}_{view}".replace('"', '""') + '"'


def _supersedes(*values: Any) -> bool:
    """True when the first of two values includes more of the journal, or as much and describes no earlier instant."""
    new, old = values
    return precedence(new) >= precedence(old)


def open_to_write(path: Path) -> apsw.Connection:
    """A connection for one thread at a time; the file and its folder are made where they are missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    con = apsw.Connection(str(path))
    con.set_busy_timeout(_BUSY_MS)
    con.pragma("page_size", PAGE)  # of a new file; one that is there keeps its own
    con.pragma("journal_mode", "WAL")
    con.pragma("synchronous", "NORMAL")
    con.pragma("mmap_size", MAPPED)
    con.create_scalar_function("supersedes", _supersedes, 2, deterministic=True)
    return con


def open_to_fill(path: Path) -> apsw.Connection:
    """A connection that writes three times as fast into a file that nobody else has open.

    Where the process ends before it does, the file is worth nothing: to be published once it is whole, and removed.

    Raises:
        apsw.BusyError: Somebody has the file open.
    """
    con = open_to_write(path)
    con.pragma("locking_mode", "EXCLUSIVE")
    con.pragma("journal_mode", "MEMORY")
    con.pragma("synchronous", "OFF")
    return con


def open_to_read(path: Path) -> apsw.Connection:
    """A connection that cannot write, for one thread.

    Raises:
        apsw.Error: There is no such file.
    """
    con = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    con.set_busy_timeout(_BUSY_MS)
    con.pragma("mmap_size", MAPPED)
    return con


def create(con: apsw.Connection, table: str) -> None:
    """Make the table unless it is there. Values are long, so they stand beside the tree of keys, not in it."""
    con.execute(f"CREATE TABLE IF NOT EXISTS {table} (key TEXT PRIMARY KEY, value BLOB NOT NULL)")


def drop(con: apsw.Connection, table: str) -> None:
    """Remove the table with all its values."""
    con.execute(f"DROP TABLE IF EXISTS main.{table}")


def put(con: apsw.Connection, table: str, values: Iterable[tuple[str, bytes]]) -> None:
    """Write packed values in one transaction. A value already there stays when it supersedes the new one."""
    con.execute("BEGIN IMMEDIATE")
    try:
        con.executemany(
            f"INSERT INTO {table} VALUES (?, ?) "
            "ON CONFLICT (key) DO UPDATE SET value = excluded.value WHERE supersedes(excluded.value, value)",
            values,
        )
    except BaseException:
        con.execute("ROLLBACK")
        raise
    con.execute("COMMIT")


def get(asking: Asking, table: str, key: str) -> bytes | None:
    """The value of a key. A cursor may ask again and again; making one takes as long as the question."""
    found: bytes | None = asking.execute(_get(table), (key,)).get
    return found


def get_both(asking: Asking, project: str, views: tuple[str, str], key: str) -> Both:
    """The values of one key in two views, in one question."""
    found: Both = asking.execute(_get_both(project, views), (key,)).get
    return found


def get_several(asking: Asking, project: str, views: tuple[str, str], keys: Sequence[str]) -> list[Both]:
    """The values of each key in two views, in one question; at least one key."""
    asked = filled(keys)
    rows: list[Any] = asking.execute(_get_several(project, views, len(asked)), asked).fetchall()
    found = {key: (one, other) for key, one, other in rows}
    return [found[key] for key in keys]


@cache
def _get_several(project: str, views: tuple[str, str], n: int) -> str:
    ours = (f"(SELECT value FROM {table_name(project, view)} WHERE key = asked.column1)" for view in views)
    return f"SELECT column1, {', '.join(ours)} FROM (VALUES {', '.join(['(?)'] * n)}) AS asked"


@cache
def _get_both(project: str, views: tuple[str, str]) -> str:
    one, other = (f"(SELECT value FROM {table_name(project, view)} WHERE key = ?1)" for view in views)
    return f"SELECT {one}, {other}"


@cache
def _get(table: str) -> str:
    return f"SELECT value FROM {table} WHERE key = ?"


def unmade(error: apsw.Error) -> bool:
    """True where nothing was ever written into the table that was asked for."""
    return isinstance(error, apsw.SQLError) and "no such table" in str(error)


def get_all(asking: Asking, table: str) -> list[tuple[str, bytes]]:
    """Every key with its value, by key."""
    found: list[Any] = asking.execute(f"SELECT key, value FROM {table} ORDER BY key").fetchall()
    return found


def keys(asking: Asking, table: str) -> list[str]:
    """Every key that has a value."""
    return [str(key) for (key,) in asking.execute(f"SELECT key FROM {table} ORDER BY key")]


def count(asking: Asking, table: str) -> int:
    """How many keys have a value."""
    return int(asking.execute(f"SELECT count(*) FROM {table}").get)


def publish(staged: Path, path: Path, tables: Sequence[str]) -> None:
    """Replace the tables of ``path`` by those of ``staged`` in one transaction: readers see all old or all new values.

    Unlike ``put`` this also removes keys, and values of later instants: what is published is exactly what was staged.
    """
    with closing(open_to_write(path)) as con, _written_once(con):
        con.execute("ATTACH ? AS staged", (str(staged),))
        con.execute("BEGIN IMMEDIATE")
        for table in tables:
            drop(con, table)
            create(con, table)
            con.execute(f"INSERT INTO {table} SELECT key, value FROM staged.{table} ORDER BY key")
        con.execute("COMMIT")
        con.execute("DETACH staged")


@contextmanager
def _written_once(con: apsw.Connection) -> Iterator[None]:
    """Where nobody else has the file open, what is written goes straight into it, not by way of the log first."""
    con.set_busy_timeout(0)
    with suppress(apsw.BusyError):
        con.pragma("journal_mode", "DELETE")
    con.set_busy_timeout(_BUSY_MS)
    yield
    con.pragma("journal_mode", "WAL")
