"""Statements that stand in the way of every decision: written out once for a database, then run without SQLAlchemy.

SQLAlchemy writes the statements; running them through it took ten times longer than the database did.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from operator import itemgetter
from typing import Any, NamedTuple

from sqlalchemy import BindParameter, Connection, Dialect, Executable, SelectBase, bindparam
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql import ClauseElement
from sqlalchemy.sql.visitors import replacement_traverse

Values = tuple[Any, ...]


class _Text(NamedTuple):
    """A statement as one kind of database reads it; ``take`` puts its parameters in order, None: they go by name."""

    sql: str
    fixed: dict[str, Any]
    take: Callable[[Mapping[str, object]], object] | None


class Written:
    """One statement with named parameters and without lists; may be shared between threads and databases."""

    def __init__(self, statement: Executable) -> None:
        assert isinstance(statement, ClauseElement)
        self._statement = statement
        self._texts: dict[str, _Text] = {}

    def rows(self, connection: Connection, given: Mapping[str, object]) -> list[Values]:
        """What it finds, inside the connection's transaction.

        Raises:
            DBAPIError: The database cannot do it.
        """
        found: list[Values] = self._run(connection, given).fetchall()
        return found

    def run(self, connection: Connection, given: Mapping[str, object]) -> None:
        """Change what it changes; raises as ``rows``."""
        self._run(connection, given)

    def run_all(self, connection: Connection, given: Iterable[Mapping[str, object]]) -> None:
        """Once with each of these values; raises as ``rows``."""
        dialect, raw = connection.dialect, connection.connection.driver_connection
        text = self._texts.get(dialect.name) or self._written(dialect)
        values = [self._values(text, each) for each in given]
        if not values or raw is None:
            return
        try:
            raw.cursor().executemany(text.sql, values)
        except dialect.loaded_dbapi.Error as error:
            raise DBAPIError.instance(text.sql, None, error, dialect.loaded_dbapi.Error) from error

    def on(self, dialect: Dialect, raw: Any, given: Mapping[str, object]) -> Any:
        """The cursor after it was run on a connection of the driver's; raises as ``rows``."""
        text = self._texts.get(dialect.name) or self._written(dialect)
        try:
            return raw.execute(text.sql, self._values(text, given))
        except dialect.loaded_dbapi.Error as error:
            raise DBAPIError.instance(text.sql, None, error, dialect.loaded_dbapi.Error) from error

    @staticmethod
    def _values(text: _Text, given: Mapping[str, object]) -> object:
        told = {**text.fixed, **given} if text.fixed else given
        return told if text.take is None else text.take(told)

    def _run(self, connection: Connection, given: Mapping[str, object]) -> Any:
        return self.on(connection.dialect, connection.connection.driver_connection, given)

    def _written(self, dialect: Dialect) -> _Text:
        told, how = self._statement, dict[str, bool]()
        if isinstance(told, SelectBase):
            told, how = replacement_traverse(told, {}, _spelt_out), {"render_postcompile": True}
        compiled: Any = told.compile(dialect=dialect, compile_kwargs=how)
        names = compiled.positiontup
        take = None if names is None else itemgetter(*names) if len(names) > 1 else _in_order(tuple(names))
        fixed = {name: value for name, value in compiled.params.items() if value is not None}
        text = self._texts[dialect.name] = _Text(str(compiled), fixed, take)
        return text


def _in_order(names: tuple[str, ...]) -> Callable[[Mapping[str, object]], object]:
    """As ``itemgetter``, for no name or one."""
    return lambda told: tuple([told[name] for name in names])


def _spelt_out(element: Any, **_: Any) -> BindParameter[Any] | None:
    """Constants stand in the text: SQLite plans a statement anew at each use where one is compared with what an index
    is restricted to and comes as a parameter, for the parameter might change (sqlite.org/partialindex.html)."""
    if not isinstance(element, BindParameter):
        return None
    if element.value is None:
        return bindparam(element.key, None, element.type)  # given later, which compiling would not put up with
    return bindparam(None, element.value, element.type, unique=True, literal_execute=True)
