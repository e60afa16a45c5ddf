"""One write transaction of the journal and the positions that it gives out."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, bindparam, select, update

from serving.journal.schema import HEAD
from serving.journal.written import Written
from serving.witness import Seen

_TURN = Written(select(HEAD.c.position).with_for_update())
_NAMED = select(HEAD.c.name, HEAD.c.position)
_GIVEN = Written(update(HEAD).values(position=bindparam("given")))


def name_and_position(connection: Connection) -> Seen:
    """Which journal this is, and the last position given out."""
    name, position = connection.execute(_NAMED).one()
    return Seen(name, position)


class Transaction:
    """A connection inside a transaction. Positions grow by one and become visible to others in their order."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.raw: Any = connection.connection.driver_connection
        """The same connection as the driver's own."""
        self._given: int | None = None
        self._found: int | None = None

    def take_turn(self) -> int:
        """Wait until no other process appends, and return the last position given out.

        Whatever depends on what was appended before (whose an identity is, which events are known) is read after this.
        """
        if self._given is None:
            ((self._found,),) = _TURN.rows(self.connection, {})
            self._given = self._found
        return self._given

    def next_position(self) -> int:
        """A position that nobody had before."""
        self._given = self.take_turn() + 1
        return self._given

    def skip(self, position: int) -> None:
        """Give out no position up to this one."""
        self._given = max(self.take_turn(), position)

    def close(self) -> None:
        """Record the positions given out; the last statement of the transaction."""
        if self._given != self._found:
            _GIVEN.run(self.connection, {"given": self._given})
