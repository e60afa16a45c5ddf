"""Connections that read the packed file: one for each thread, whoever reads in it; none of a thread that is gone."""

from __future__ import annotations

import os
import sqlite3
import threading
from pathlib import Path

from serving.packed_file import open_to_read


class _Held(threading.local):
    """What one thread holds: its connection, and which file that is."""

    kept: _Closing | None = None
    inode: int = -1


class _Closing:
    """Closes the connection when its thread ends.

    Left to itself a connection of sqlite3 stands in a cycle, so it and all of the file that it has mapped would stay
    until the collector comes by, which is seldom.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection

    def __del__(self) -> None:
        self.connection.close()


class PackedConnection:
    """The connection of the thread that asks; to be shared by all who read the same file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = str(path)
        self._held = _Held()

    def get(self) -> sqlite3.Connection:
        """The connection. One that is open keeps reading a file that was deleted or replaced, so another one is made.

        Raises:
            OSError: There is no such file.
            sqlite3.Error: It cannot be opened.
        """
        inode = os.stat(self._file).st_ino  # noqa: PTH116 (twice as fast; asked before every read)
        held = self._held
        if held.kept is None or held.inode != inode:
            held.kept, held.inode = _Closing(open_to_read(self.path)), inode
        return held.kept.connection

    def drop(self) -> None:
        """Make another one at the next call."""
        self._held.kept = None
