"""Reads that stand in the way of every decision: one statement each, on a connection that its thread keeps."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from serving.journal.written import Values, Written


class _OfThread:
    """A connection of one thread, closed when that ends."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection

    def __del__(self) -> None:
        self.connection.close()


class Lookup:
    """Runs single statements, each as of a moment of its own; may be shared between threads."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._own = threading.local()

    def rows(self, statement: Written, given: Mapping[str, object]) -> list[Values]:
        """What the statement finds, one tuple a row; ``given`` are values of its parameters.

        Raises:
            DBAPIError: The database cannot do it; the next call opens a connection anew.
        """
        try:
            found: list[Values] = statement.on(self._engine.dialect, self._connection(), given).fetchall()
        except DBAPIError:
            self._own.open = None
            raise
        return found

    def close(self) -> None:
        """Let go of the connections of all threads."""
        self._own = threading.local()

    def _connection(self) -> Any:
        own: _OfThread | None = getattr(self._own, "open", None)
        if own is None:
            own = self._own.open = _OfThread(self._opened())
        return own.connection

    def _opened(self) -> Any:
        """A connection outside of the pool, which has fewer than there may be threads."""
        pooled = self._engine.raw_connection()
        connection: Any = pooled.driver_connection
        pooled.detach()
        if self._engine.dialect.name == "postgresql":
            connection.autocommit = True
        return connection
