"""Connections that read the packed file: one for each thread, whoever reads in it; none of a thread that is gone."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import apsw

from serving.packed_file import open_to_read


class _Open(threading.local):
    """What one thread has open: the cursor of its connection, which ends with the thread, and which file that is."""

    asking: apsw.Cursor | None = None
    inode: int = -1


class PackedConnection:
    """The connection of the thread that asks; to be shared by all who read the same file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = str(path)
        self._open = _Open()

    def get(self) -> apsw.Cursor:
        """Its cursor. One that is open keeps reading a file that was deleted or replaced, so another one is made.

        Raises:
            OSError: There is no such file.
            apsw.Error: It cannot be opened.
        """
        inode = os.stat(self._file).st_ino  # noqa: PTH116 (twice as fast; asked before every read)
        own = self._open
        if own.asking is None or own.inode != inode:
            own.asking, own.inode = open_to_read(self.path).cursor(), inode
        return own.asking

    def drop(self) -> None:
        """Make another one at the next call."""
        self._open.asking = None
