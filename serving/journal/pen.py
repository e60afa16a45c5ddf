"""The connection by which a journal is written to: it stays open from one transaction to the next."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import suppress

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from serving.journal.engine import be_patient, begin_writing, end_writing
from serving.journal.transaction import Transaction, erasures_from_now, erasures_in


class Pen:
    """Held by one thread at a time, which sees to it that no other has it."""

    def __init__(self, engine: Engine, check: Callable[[], None]) -> None:
        """``engine`` has to begin transactions that write, see ``writer``; ``check`` raises where none may begin."""
        self._engine, self._check = engine, check
        self._gives_up = engine.dialect.name == "sqlite"
        """Whether it can be told not to wait for other processes that write."""
        self._held: Connection | None = None
        self._patient = True
        """Whether it waits for these."""

    def begin(self, at_once: bool, erases: bool) -> Transaction | None:
        """A transaction; None where it cannot be begun at once and was to be. ``erases``: as it says itself.

        Raises:
            DBAPIError: The database cannot be written to.
        """
        self._check()
        self._held = self._held or self._engine.connect()
        if self._gives_up and self._patient == at_once:  # seldom, as it takes longer than to begin
            be_patient(self._held, not at_once)
            self._patient = not at_once
        if not begin_writing(self._held, self._patient):
            return None
        return Transaction(self._held, (erasures_in if erases else erasures_from_now)(self._held))

    def end(self) -> None:
        """Make what was written durable, if it was not put down meanwhile; raises as ``begin``."""
        if self._held is not None:
            end_writing(self._held)

    def put_down(self) -> None:
        """Give the connection back. What was written since the beginning of a transaction is undone."""
        held, self._held = self._held, None
        if held is not None:
            with suppress(SQLAlchemyError, sqlite3.Error):
                if not self._patient:
                    self._patient = True
                    be_patient(held, True)
            with suppress(SQLAlchemyError):
                held.close()
