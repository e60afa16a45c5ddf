"""The way into a journal's database: opened at its first use, and again where it was moved away or replaced."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from threading import Lock, local
from typing import Any, TypeVar

from sqlalchemy import Connection
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, InterfaceError, InternalError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from serving.journal.backlog import Coming, nobody
from serving.journal.database import Database
from serving.journal.engine import Synchronous
from serving.journal.errors import JournalUnavailableError
from serving.journal.record import Row
from serving.journal.testimony import REMEDY, Testimony
from serving.journal.transaction import Transaction, name_and_position
from serving.journal.written import Written
from serving.later import Later
from serving.witness import Witness

R = TypeVar("R")

UNUSABLE = (OperationalError, InterfaceError, InternalError, IntegrityError, DataError, PoolTimeoutError, OSError)
"""What the database says where it cannot do what it is asked; a wrong statement of ours is not among it."""


class _Sure(local):
    """What one thread need not look at again for a while."""

    database: Database | None = None


class Way:
    """The way into one database: reads, and writes that are shared, opened at the first use.

    May be shared between threads. Every method raises JournalUnavailableError where the database cannot be reached; the
    next call tries again.
    """

    def __init__(self, uri: str, synchronous: Synchronous = "FULL", witness: Witness | None = None) -> None:
        self._uri = uri
        self._synchronous = synchronous
        self._testimony = Testimony(make_url(uri).render_as_string(hide_password=True), witness)
        self._database: Database | None = None
        self._opening = Lock()
        self._sure = _Sure()
        self._coming: Coming = nobody

    def expect(self, coming: Coming) -> None:
        """Let writers wait a moment for those that are on their way."""
        self._coming = coming

    def open(self) -> None:
        """Get ready, where that is possible: the first write then takes no longer than any other."""
        with suppress(JournalUnavailableError):
            self._ready()

    def _ready(self) -> Database:
        """The open database.

        Raises:
            JournalError: Its address names another kind of database.
            JournalUnavailableError: It cannot be reached, is of an older layout or a newer build, or is gone.
        """
        sure = self._sure.database
        if sure is not None and sure is self._database:
            return sure
        replaced = None
        with self._opening:
            if self._database is not None and self._database.stale:
                if self._database.gone:  # an empty one would know of no objection, no consent and no contact
                    raise JournalUnavailableError(f"the journal {self._testimony.where} is gone: {REMEDY}")
                replaced, self._database = self._database, None
            if self._database is None:
                self._database = self._opened()
            found = self._database
        if replaced is not None:
            replaced.close()
        return found

    def _opened(self) -> Database:
        """The database, once it is known to be the one that was used before, as far as it had come."""
        seen = self._testimony.heard(self.begun)
        with self._reported():
            database = Database(self._uri, self._synchronous, lambda since: self._coming(since))
        try:
            with self._reported():
                found = database.seen()
            self._testimony.check(seen, found)
        except BaseException:
            database.close()
            raise
        self._testimony.tell(found)
        return database

    def name(self) -> str:
        """What was drawn for it when it was begun."""
        with self.reading() as connection:
            return name_and_position(connection).name

    def testify(self) -> None:
        """Let the witness know how far the journal has come; to be called now and then."""
        with self.reading() as connection:
            self._testimony.tell(name_and_position(connection))

    @property
    def begun(self) -> bool:
        """False where its file is still to be made; a server's counts as begun."""
        url = make_url(self._uri)
        return url.get_backend_name() != "sqlite" or Path(url.database or "").is_file()

    def version(self) -> str:
        """The version of the schema, which this build's migrations have reached."""
        return self._ready().version

    def close(self) -> None:
        """Give every connection back; the next use opens the journal again."""
        if self._database is not None:
            with suppress(JournalUnavailableError):
                self.testify()
        with self._opening:
            database, self._database = self._database, None
        if database is not None:  # not before the lock is free: what is still being written may ask for the journal
            database.close()

    @contextmanager
    def _reported(self) -> Iterator[None]:
        try:
            yield
        except UNUSABLE as error:
            raise self._unavailable(error) from error

    def _explained(self, error: BaseException) -> BaseException:
        if not isinstance(error, UNUSABLE):
            return error
        told = self._unavailable(error)
        told.__cause__ = error
        return told

    def _unavailable(self, error: Exception) -> JournalUnavailableError:
        reason = str(error.orig if isinstance(error, DBAPIError) else error).splitlines()[0]
        return JournalUnavailableError(
            f"the journal {self._testimony.where} cannot be used ({reason}): look at its server or disk"
        )

    @property
    def erasures(self) -> int:
        """How many customers are known to be erased: what is read from now on is without them."""
        return self._ready().group.erasures

    def write(self, change: Callable[[Transaction], R], erases: bool = False) -> R:
        """Run a change in a transaction that writers share; when this returns, the change is durable.

        ``erases`` is to be True where it erases a customer.
        """
        soon = self.write_soon(change, erases)
        if self._database is not None:
            self._database.group.settle()
        return soon.result()

    @contextmanager
    def together(self) -> Iterator[None]:
        """What this thread writes soon is written at the end, in one transaction, with what others wait for.

        What it waits for it must write by ``write``.
        """
        database = None
        with suppress(JournalUnavailableError):
            database = self._ready()
        with nullcontext() if database is None else database.group.together():
            self._sure.database = database  # whether it was moved away is looked at again before it is written to
            try:
                yield
            finally:
                self._sure.database = None

    def hurry(self) -> None:
        """Do not wait any more for the end of what threads write together: one of them is held up."""
        if self._database is not None:
            self._database.group.hurry()

    def write_soon(self, change: Callable[[Transaction], R], erases: bool = False) -> Later[R]:
        """As ``write``, without waiting for it: the result comes when the change is durable.

        What is called then must not wait for another write. Where the journal cannot be opened, this fails at once.
        """
        return self._ready().group.submit(change, self._explained, erases)

    def keep_soon(self, row: Row, kept: R, erasures: int | None, change: Callable[[Transaction], R]) -> Later[R]:
        """Keep a decision with which nothing else is changed, as ``write_soon``: ``kept`` comes when it is durable.

        Where more customers than ``erasures`` were erased by then, ``change`` is run instead; None: that is no matter.
        """
        return self._ready().group.keep(row, kept, erasures, change, self._explained)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection whose statements all see the same moment of the journal."""
        reader = self._ready().reader
        with self._reported(), reader.connect() as connection, connection.begin():
            yield connection

    def compact(self) -> None:
        """Give the room of deleted rows back, so that their bytes are in no file any more."""
        database = self._ready()
        with self._reported():
            database.compact()

    def look(self, statement: Written, given: Mapping[str, object]) -> list[tuple[Any, ...]]:
        """What one statement finds, as of a moment of its own."""
        lookup = self._ready().lookup
        try:
            return lookup.rows(statement, given)
        except UNUSABLE as error:
            raise self._unavailable(error) from error
