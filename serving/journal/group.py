"""Group commit: writers that come while a transaction is being committed share the next one."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from contextlib import suppress
from threading import Lock
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from serving.journal.transaction import Transaction

R = TypeVar("R")
MOST = 64
"""Writes that one transaction takes at most, so that the first of them need not wait for too many others."""


class _Waiting:
    """One write on its way: done once it is durable or has failed."""

    __slots__ = ("done", "error", "result", "write")

    def __init__(self, write: Callable[[Transaction], Any]) -> None:
        self.write = write
        self.done = False
        self.result: Any = None
        self.error: BaseException | None = None


class GroupCommit:
    """Runs writes of many threads, one group after the other. Whoever finds the way free leads the next group."""

    def __init__(self, engine: Engine) -> None:
        """``engine`` has to begin transactions that write, see ``writer``."""
        self._engine = engine
        self._queue: deque[_Waiting] = deque()
        self._lead = Lock()
        self._held: Connection | None = None

    def run(self, write: Callable[[Transaction], R]) -> R:
        """Run one write; when this returns, it is durable. What the write raises undoes that write alone."""
        mine = _Waiting(write)
        self._queue.append(mine)
        while not mine.done:
            with self._lead:
                if not mine.done:
                    self._commit([self._queue.popleft() for _ in range(min(MOST, len(self._queue)))])
        if mine.error is not None:
            raise mine.error
        result: R = mine.result
        return result

    def _commit(self, group: list[_Waiting]) -> None:
        try:
            connection = self._held = self._held or self._engine.connect()
            with connection.begin():
                transaction = Transaction(connection)
                for each in group:
                    self._apply(transaction, each, alone=len(group) == 1)
                transaction.close()
        except BaseException as error:
            self._let_go()
            for each in group:
                each.error = each.error or error
            if not isinstance(error, Exception):
                raise
        finally:
            for each in group:
                each.done = True

    def close(self) -> None:
        """Give the connection back, once nobody leads."""
        with self._lead:
            self._let_go()

    def _let_go(self) -> None:
        """The next group connects anew: this connection may be broken."""
        held, self._held = self._held, None
        if held is not None:
            with suppress(SQLAlchemyError):
                held.close()

    @staticmethod
    def _apply(transaction: Transaction, each: _Waiting, alone: bool) -> None:
        if alone:
            each.result = each.write(transaction)
            return
        try:
            with transaction.undoable():
                each.result = each.write(transaction)
        except Exception as error:
            each.error = error
