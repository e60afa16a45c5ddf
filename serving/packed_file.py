"""The SQLite file of packed values: one table per project and view, one value per key, newer never replaced by older.

Shared by Feast's plug-in, which writes it, and by the service, which reads it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import closing
from functools import cache
from pathlib import Path

from features.codec import precedence

PROJECT = "kairos"
"""Name of the Feast project, part of every table's name."""
BUSY_S = 30.0
"""Seconds a writer waits for another one."""
PAGE = 8_192
"""Bytes of a page: most values fit into one, and a longer one is read in few steps."""
MAPPED = 1 << 30
"""Bytes of the file that are read as memory."""


@cache
def table_name(project: str, view: str) -> str:
    """The table of a view's values, quoted for SQL."""
    return '"' + f"{project}_{view}".replace('"', '""') + '"'


def _supersedes(new: bytes, old: bytes) -> bool:
    """True when ``new`` includes more of the journal, or as much and describes no earlier instant."""
    return precedence(new) >= precedence(old)


def open_to_write(path: Path) -> sqlite3.Connection:
    """A connection for one thread at a time; the file and its folder are made where they are missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    con = sqlite3.connect(path, timeout=BUSY_S, isolation_level=None, check_same_thread=False)
    con.execute(f"PRAGMA page_size = {PAGE}")  # of a new file; one that is there keeps its own
    con.execute("PRAGMA journal_mode = WAL")
    con.execute("PRAGMA synchronous = NORMAL")
    con.execute(f"PRAGMA mmap_size = {MAPPED}")
    con.create_function("supersedes", 2, _supersedes, deterministic=True)
    return con


def open_to_read(path: Path) -> sqlite3.Connection:
    """A connection that cannot write, for one thread.

    Raises:
        sqlite3.OperationalError: There is no such file.
    """
    con = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=BUSY_S, isolation_level=None, check_same_thread=False
    )
    con.execute(f"PRAGMA mmap_size = {MAPPED}")
    return con


def create(con: sqlite3.Connection, table: str) -> None:
    """Make the table unless it is there. Values are long, so they stand beside the tree of keys, not in it."""
    con.execute(f"CREATE TABLE IF NOT EXISTS {table} (key TEXT PRIMARY KEY, value BLOB NOT NULL)")


def drop(con: sqlite3.Connection, table: str) -> None:
    """Remove the table with all its values."""
    con.execute(f"DROP TABLE IF EXISTS main.{table}")


def put(con: sqlite3.Connection, table: str, values: Iterable[tuple[str, bytes]]) -> None:
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


def get(con: sqlite3.Connection, table: str, key: str) -> bytes | None:
    """The value of a key."""
    for (value,) in con.execute(_get(table), (key,)):
        found: bytes = value
        return found
    return None


@cache
def _get(table: str) -> str:
    return f"SELECT value FROM {table} WHERE key = ?"


def get_all(con: sqlite3.Connection, table: str) -> list[tuple[str, bytes]]:
    """Every key with its value, by key."""
    return con.execute(f"SELECT key, value FROM {table} ORDER BY key").fetchall()


def keys(con: sqlite3.Connection, table: str) -> list[str]:
    """Every key that has a value."""
    return [key for (key,) in con.execute(f"SELECT key FROM {table} ORDER BY key")]


def count(con: sqlite3.Connection, table: str) -> int:
    """How many keys have a value."""
    (found,) = con.execute(f"SELECT count(*) FROM {table}").fetchone()
    return int(found)


def publish(staged: Path, path: Path, tables: Sequence[str]) -> None:
    """Replace the tables of ``path`` by those of ``staged`` in one transaction: readers see all old or all new values.

    Unlike ``put`` this also removes keys, and values of later instants: what is published is exactly what was staged.
    """
    with closing(open_to_write(path)) as con:
        con.execute("ATTACH ? AS staged", (str(staged),))
        con.execute("BEGIN IMMEDIATE")
        for table in tables:
            drop(con, table)
            create(con, table)
            con.execute(f"INSERT INTO {table} SELECT key, value FROM staged.{table} ORDER BY key")
        con.execute("COMMIT")
        con.execute("DETACH staged")
