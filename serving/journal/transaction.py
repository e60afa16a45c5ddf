"""One write transaction of the journal and the positions that it gives out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, func, select, update
from sqlalchemy.exc import DBAPIError

from serving.journal.decisions import write_row, write_rows
from serving.journal.record import Row
from serving.journal.schema import ERASURES, HEAD
from serving.journal.written import Written
from serving.witness import Seen

_TURN = Written(select(HEAD.c.position).with_for_update())
_NAMED = select(HEAD.c.name, HEAD.c.position)
ERASED = Written(select(ERASURES.c.erased))
"""How many customers were erased so far."""
_ERASING = 0x4B61_6972_6F73
"""Name of the lock on PostgreSQL that who erases has alone, and all others who write share. Whoever waits for it waits
in turn, so that those who share it cannot keep out for ever who wants it alone, as with a row they could."""
_SHARED = select(func.pg_advisory_xact_lock_shared(_ERASING)).scalar_subquery()
# The lock on the row is never waited for: it has the count read that holds once the other lock is given.
_WITH_OTHERS = Written(select(ERASURES.c.erased).where(_SHARED.is_not(None)).with_for_update(read=True))
_ALONE = Written(select(func.pg_advisory_xact_lock(_ERASING)))
_GIVEN = Written(update(HEAD).values(position=bindparam("given")))

Failed = Callable[[BaseException], None]
"""Told why."""


def name_and_position(connection: Connection) -> Seen:
    """Which journal this is, and the last position given out."""
    name, position = connection.execute(_NAMED).one()
    return Seen(name, position)


def erasures_in(connection: Connection) -> int:
    """How many customers were erased so far."""
    ((found,),) = ERASED.rows(connection, {})
    return int(found)


def erasures_from_now(connection: Connection) -> int:
    """The same; until the end of the transaction nobody else erases. Its first statement, or two could wait in turn."""
    sole = connection.dialect.name == "sqlite"  # where one writes at a time
    ((found,),) = (ERASED if sole else _WITH_OTHERS).rows(connection, {})
    return int(found)


def wait_for_others(connection: Connection) -> None:
    """Wait until nobody else writes: until the end of the transaction nobody does."""
    if connection.dialect.name != "sqlite":
        _ALONE.rows(connection, {})


class _Part:
    """What one writer does."""

    __slots__ = ("begun", "failed", "rows")

    def __init__(self, failed: Failed) -> None:
        self.failed = failed
        self.begun = False
        """Whether it has a savepoint: nothing needs one that only keeps decisions."""
        self.rows: list[Row] = []


class Transaction:
    """A connection inside a transaction. Positions grow by one and become visible to others in their order."""

    def __init__(self, connection: Connection, erasures: int) -> None:
        """``erasures`` is how many customers were erased before it."""
        self.erasures = erasures
        self._connection = connection
        self._raw: Any = connection.connection.driver_connection
        self._part: _Part | None = None
        self._kept: list[tuple[Row, Failed]] = []
        """Decisions that are still to be written, and who is told if one cannot be."""
        self._given: int | None = None
        self._found: int | None = None

    @property
    def connection(self) -> Connection:
        """To read and to change things by: from then on the part that is under way can be undone."""
        if self._part is None:
            self._write_kept()
        elif not self._part.begun:
            self._begin(self._part)
        return self._connection

    def begin(self, failed: Failed) -> None:
        """Begin a part that is undone alone; ``failed`` is told if a decision kept in it turns out not to be."""
        self._part = _Part(failed)

    def end(self) -> None:
        """The part is done."""
        part, self._part = self._part, None
        assert part is not None
        if part.begun:
            self._raw.execute("RELEASE SAVEPOINT part")
        self._kept.extend((row, part.failed) for row in part.rows)

    def undo(self) -> None:
        """Undo the part. Its positions stay unused."""
        part, self._part = self._part, None
        if part is not None and part.begun:
            self._raw.execute("ROLLBACK TO SAVEPOINT part")
            self._raw.execute("RELEASE SAVEPOINT part")

    def keep(self, row: Row) -> None:
        """Keep a decision. Those with which nothing else is changed are written together, later."""
        if self._part is None or self._part.begun:
            write_row(self._connection, row)
        else:
            self._part.rows.append(row)

    def keep_beside(self, row: Row, failed: Failed) -> None:
        """Keep a decision with which nothing else is changed; ``failed`` is told if it turns out not to be kept."""
        self._kept.append((row, failed))

    def _begin(self, part: _Part) -> None:
        self._write_kept()
        part.begun = True
        self._raw.execute("SAVEPOINT part")
        rows, part.rows = part.rows, []
        write_rows(self._connection, rows)

    def _write_kept(self) -> None:
        """Write the decisions of the parts that are done. Where they cannot be all together, one by one."""
        kept, self._kept = self._kept, []
        if not kept:
            return
        if self._connection.dialect.name == "sqlite":
            self._write_as_told(kept)
        elif self._attempt([row for row, _ in kept]) is not None:
            self._write_one_by_one(kept)

    def _write_as_told(self, kept: Sequence[tuple[Row, Failed]]) -> None:
        """Write these, without a savepoint: where one cannot be written SQLite undoes that one alone."""
        place = 0
        while place < len(kept):
            before = self._raw.total_changes
            try:
                write_rows(self._connection, [row for row, _ in kept[place:]])
                return
            except DBAPIError as error:
                if not self._raw.in_transaction:
                    raise
                place += self._raw.total_changes - before
                kept[place][1](error)
                place += 1

    def _write_one_by_one(self, kept: Sequence[tuple[Row, Failed]]) -> None:
        for row, failed in kept:
            error = self._attempt([row])
            if error is not None:
                failed(error)

    def _attempt(self, rows: Sequence[Row]) -> DBAPIError | None:
        """Write all of these or none; why it is none."""
        self._raw.execute("SAVEPOINT kept")
        try:
            write_rows(self._connection, rows)
        except DBAPIError as error:
            try:
                self._raw.execute("ROLLBACK TO SAVEPOINT kept")
            except Exception:  # there is no transaction any more
                raise error from None
            self._raw.execute("RELEASE SAVEPOINT kept")
            return error
        self._raw.execute("RELEASE SAVEPOINT kept")
        return None

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
        """Write what is still to be written, and the positions given out; the last statements of the transaction."""
        self._write_kept()
        if self._given != self._found:
            _GIVEN.run(self.connection, {"given": self._given})
