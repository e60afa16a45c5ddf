"""An open journal: its schema at this build's version, one way in for writers and one for readers."""

from __future__ import annotations

from serving.journal.engine import Synchronous, open_engine, reader, writer
from serving.journal.erasure import compact
from serving.journal.group import GroupCommit
from serving.journal.migration import migrate


class Database:
    """An open journal at this build's version: one way in for writers, one for readers."""

    def __init__(self, uri: str, synchronous: Synchronous) -> None:
        """Open it and run the migrations that have not run yet.

        Raises:
            JournalError: It is no journal, or one of a newer build.
        """
        self._engine = open_engine(uri, synchronous)
        self.version = migrate(self._engine)
        self.is_file = self._engine.dialect.name == "sqlite"
        self.group = GroupCommit(writer(self._engine))
        self.reader = reader(self._engine)

    def close(self) -> None:
        """Give every connection back."""
        self._engine.dispose()

    def compact(self) -> None:
        """Give the room of erased rows back, so that their bytes are in no file any more."""
        compact(self._engine)
