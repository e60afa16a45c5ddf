"""Writes groups by one connection to the journal, which stays open from one transaction to the next."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import suppress

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from serving.journal.engine import be_patient, begin_writing, end_writing
from serving.journal.transaction import Transaction, erasures_from_now, erasures_in
from serving.journal.waiting import Waiting


class Pen:
    """Held by one thread at a time, which sees to it that no other has it."""

    def __init__(self, engine: Engine, check: Callable[[], None], erasures: int) -> None:
        """``engine`` has to begin transactions that write, see ``writer``; ``check`` raises where none may begin."""
        self._engine, self._check = engine, check
        self.erasures = erasures
        """How many customers were erased before the latest transaction."""
        self._gives_up = engine.dialect.name == "sqlite"
        """Whether it can be told not to wait for other processes that write."""
        self._held: Connection | None = None
        self._patient = True
        """Whether it waits for these."""

    def write(self, group: Sequence[Waiting], at_once: bool) -> bool:
        """Run a group, all but its end; False where that cannot be begun at once and was to be."""
        try:
            transaction = self._begin(at_once, group[0].erases)
            if transaction is None:
                return False
            self.erasures = transaction.erasures
            _run(group, transaction)
            transaction.close()
        except BaseException as error:
            self._fail(group, error)
        return True

    def end(self, group: Sequence[Waiting]) -> None:
        """Make a group durable that was run, if it has not failed by then."""
        if self._held is None:
            return
        try:
            end_writing(self._held)
        except BaseException as error:
            self._fail(group, error)

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

    def _begin(self, at_once: bool, erases: bool) -> Transaction | None:
        """A transaction; None where it cannot be begun at once and was to be."""
        self._check()
        self._held = self._held or self._engine.connect()
        if self._gives_up and self._patient == at_once:  # seldom, as it takes longer than to begin
            be_patient(self._held, not at_once)
            self._patient = not at_once
        if not begin_writing(self._held, self._patient):
            return None
        return Transaction(self._held, (erasures_in if erases else erasures_from_now)(self._held))

    def _fail(self, group: Sequence[Waiting], error: BaseException) -> None:
        self.put_down()  # its connection may be broken
        for each in group:
            each.error = each.error or error


def _run(group: Sequence[Waiting], transaction: Transaction) -> None:
    """Run what waits; where that is more than one, each can fail alone."""
    if len(group) == 1:
        group[0].run(transaction)
        return
    for each in group:
        if each.row is not None and (each.erasures == transaction.erasures or each.erasures is None):
            transaction.keep_beside(each.row, each.fail)
        else:
            each.run_apart(transaction)
