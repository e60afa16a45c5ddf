"""Packed values of customers' activity as the live projection reads and writes them."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

import apsw

from features.codec import precedence
from features.domain import CustomerId
from features.stored import ACTIVITY, PROFILE
from serving.packed_connection import PackedConnection
from serving.packed_file import PROJECT, create, get, open_to_write, put, table_name, unmade


def position_of(value: bytes | None) -> int:
    """Up to where a value includes the journal; 0 where there is none."""
    return 0 if value is None else precedence(value)[0]


class Values(Protocol):
    """Where packed values are kept. A value is never replaced by one that includes less of the journal."""

    def get(self, customer_id: CustomerId) -> bytes | None:
        """The value of a customer, None where there is none."""
        ...

    def get_many(self, customer_ids: Sequence[CustomerId]) -> dict[CustomerId, bytes | None]:
        """The value of each customer."""
        ...

    def put(self, values: Sequence[tuple[CustomerId, bytes]]) -> None:
        """Write values, each unless one is there that supersedes it."""
        ...

    def remove(self, customer_ids: Iterable[CustomerId]) -> None:
        """Drop values that are to be made anew."""
        ...

    def forget(self, customer_ids: Iterable[CustomerId]) -> None:
        """Erase all that is stored of customers, their profiles too."""
        ...

    def compact(self) -> None:
        """Give the room of what went back, so that no file holds its bytes any more. As slow as there is much else."""
        ...

    def close(self) -> None:
        """Let go of whatever is held."""
        ...


class MemoryValues:
    """Values in memory: for one process, and for trying things out."""

    def __init__(self, values: Mapping[CustomerId, bytes] | None = None) -> None:
        self._values = dict(values or {})
        self._lock = threading.Lock()

    def get(self, customer_id: CustomerId) -> bytes | None:
        """See Values."""
        return self._values.get(customer_id)

    def get_many(self, customer_ids: Sequence[CustomerId]) -> dict[CustomerId, bytes | None]:
        """See Values."""
        return {customer_id: self.get(customer_id) for customer_id in customer_ids}

    def put(self, values: Sequence[tuple[CustomerId, bytes]]) -> None:
        """See Values."""
        with self._lock:
            for customer_id, value in values:
                old = self._values.get(customer_id)
                if old is None or precedence(value) >= precedence(old):
                    self._values[customer_id] = value

    def remove(self, customer_ids: Iterable[CustomerId]) -> None:
        """See Values."""
        for customer_id in customer_ids:
            self._values.pop(customer_id, None)

    def forget(self, customer_ids: Iterable[CustomerId]) -> None:
        """See Values."""
        self.remove(customer_ids)

    def compact(self) -> None:
        """See Values."""

    def close(self) -> None:
        """See Values."""


class SqliteValues:
    """Values in the packed file. Threads and processes may share the file: readers never wait, writers take turns."""

    def __init__(self, path: Path, project: str = PROJECT, reading: PackedConnection | None = None) -> None:
        """``reading`` is to be given where others read the same file, too."""
        self._path = path
        self._table = table_name(project, ACTIVITY.name)
        self._profiles = table_name(project, PROFILE.name)
        self._reading = reading or PackedConnection(path)
        self._lock = threading.Lock()
        self._writer: apsw.Connection | None = None
        self._inode = -1

    def get(self, customer_id: CustomerId) -> bytes | None:
        """See Values."""
        try:
            asking = self._reading.get()
        except OSError:
            return None
        try:
            return get(asking, self._table, customer_id)
        except apsw.Error as error:
            if unmade(error):
                return None
            raise

    def get_many(self, customer_ids: Sequence[CustomerId]) -> dict[CustomerId, bytes | None]:
        """See Values."""
        return {customer_id: self.get(customer_id) for customer_id in customer_ids}

    def put(self, values: Sequence[tuple[CustomerId, bytes]]) -> None:
        """See Values."""
        if values:
            with self._lock:
                put(self._writing(), self._table, values)

    def remove(self, customer_ids: Iterable[CustomerId]) -> None:
        """See Values."""
        with self._lock:
            self._writing().executemany(f"DELETE FROM {self._table} WHERE key = ?", [(c,) for c in customer_ids])

    def forget(self, customer_ids: Iterable[CustomerId]) -> None:
        """See Values. Their bytes go too, but for those that something else has left behind in free room."""
        keys = [(customer_id,) for customer_id in customer_ids]
        with self._lock:
            con = self._writing()
            for table in (self._table, self._profiles):
                create(con, table)
                con.executemany(f"DELETE FROM {table} WHERE key = ?", keys)
            con.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def compact(self) -> None:
        """See Values."""
        with self._lock:
            con = self._writing()
            con.execute("VACUUM")
            con.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def _writing(self) -> apsw.Connection:
        """A file that was deleted or replaced is opened anew, else the values would go where nobody reads."""
        if self._writer is None or not self._path.exists() or self._path.stat().st_ino != self._inode:
            self._writer = open_to_write(self._path)
            self._writer.pragma("secure_delete", "ON")
            create(self._writer, self._table)
            self._inode = self._path.stat().st_ino
        return self._writer

    def close(self) -> None:
        """See Values. Connections of other threads close with their threads."""
        with self._lock:
            if self._writer is not None:
                self._writer.close()
                self._writer = None
