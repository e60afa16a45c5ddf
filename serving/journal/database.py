"""An open journal: its schema at this build's version, one way in for writers and one for readers."""

from __future__ import annotations

import os
from pathlib import Path

from serving.journal.backlog import Coming, nobody
from serving.journal.engine import Synchronous, open_engine, reader, writer
from serving.journal.erasure import compact
from serving.journal.errors import JournalUnavailableError
from serving.journal.group import GroupCommit
from serving.journal.lookup import Lookup
from serving.journal.migration import migrate
from serving.journal.transaction import erasures_in, name_and_position
from serving.witness import Seen


class Database:
    """An open journal at this build's version: one way in for writers, one for readers."""

    def __init__(self, uri: str, synchronous: Synchronous, coming: Coming = nobody) -> None:
        """Open it and run the migrations that have not run yet.

        Raises:
            JournalError: It is no journal, or one of a newer build.
        """
        self._engine = open_engine(uri, synchronous)
        self._file = Path(self._engine.url.database or "") if self._engine.dialect.name == "sqlite" else None
        self.version = migrate(self._engine)
        self._path = None if self._file is None else str(self._file)
        self._inode = _inode(self._path)
        self.reader = reader(self._engine)
        with self.reader.connect() as connection, connection.begin():
            erasures = erasures_in(connection)
        self.group = GroupCommit(writer(self._engine), coming, self._check, erasures)
        self.lookup = Lookup(self._engine)

    @property
    def stale(self) -> bool:
        """True where its file is gone or was replaced: SQLite would write on to where nobody can read."""
        return self._path is not None and _inode(self._path) != self._inode

    @property
    def gone(self) -> bool:
        """True where no file is in its place."""
        return self._file is not None and not self._file.is_file()

    def _check(self) -> None:
        """Raises JournalUnavailableError where nobody could read what was written now."""
        if self.stale:
            raise JournalUnavailableError(f"the journal's file {self._path} was moved away or replaced: try again")

    def seen(self) -> Seen:
        """Which journal it is, and how far it has come."""
        with self.reader.connect() as connection:
            return name_and_position(connection)

    def close(self) -> None:
        """Give every connection back."""
        self.group.close()
        self.lookup.close()
        self._engine.dispose()

    def compact(self) -> None:
        """Give the room of erased rows back, so that their bytes are in no file any more."""
        compact(self._engine)


def _inode(file: str | None) -> int | None:
    if file is None:
        return None
    try:
        return os.stat(file).st_ino  # noqa: PTH116 (asked before every read, and twice as fast)
    except OSError:
        return None
