"""Reads that stand in the way of every decision: one statement each, on a connection that its thread keeps.

SQLAlchemy writes the statements; running them through it took ten times longer than the database did.
"""

from __future__ import annotations

import threading
from typing import Any, NamedTuple

from sqlalchemy import Engine, Select
from sqlalchemy.exc import DBAPIError

Values = tuple[Any, ...]


class _Text(NamedTuple):
    """A statement as the database reads it; ``names`` is the order of its parameters, None where they go by name."""

    sql: str
    fixed: dict[str, Any]
    names: tuple[str, ...] | None


class _Held:
    """A connection that is closed when its thread ends."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection

    def __del__(self) -> None:
        self.connection.close()


class Lookup:
    """Runs single statements, each as of a moment of its own; may be shared between threads."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._texts: dict[Select[Any], _Text] = {}
        self._own = threading.local()

    def rows(self, statement: Select[Any], **given: object) -> list[Values]:
        """What the statement finds, one tuple a row; ``given`` are values of its parameters.

        The same statement object has to be given each time: it is written out at its first use. It has no lists.

        Raises:
            DBAPIError: The database cannot do it; the next call opens a connection anew.
        """
        text = self._texts.get(statement) or self._written(statement)
        told = {**text.fixed, **given}
        values = told if text.names is None else [told[name] for name in text.names]
        wrong = self._engine.dialect.loaded_dbapi.Error
        try:
            found: list[Values] = self._connection().execute(text.sql, values).fetchall()
        except wrong as error:
            self._own.held = None
            raise DBAPIError.instance(text.sql, None, error, wrong) from error
        return found

    def close(self) -> None:
        """Let go of the connections of all threads."""
        self._own = threading.local()

    def _connection(self) -> Any:
        held: _Held | None = getattr(self._own, "held", None)
        if held is None:
            held = self._own.held = _Held(self._opened())
        return held.connection

    def _opened(self) -> Any:
        """A connection outside of the pool, which has fewer than there may be threads."""
        pooled = self._engine.raw_connection()
        connection: Any = pooled.driver_connection
        pooled.detach()
        if self._engine.dialect.name == "postgresql":
            connection.autocommit = True
        return connection

    def _written(self, statement: Select[Any]) -> _Text:
        compiled = statement.compile(dialect=self._engine.dialect)
        names = None if compiled.positiontup is None else tuple(compiled.positiontup)
        fixed = {name: value for name, value in compiled.params.items() if value is not None}
        text = self._texts[statement] = _Text(str(compiled), fixed, names)
        return text
