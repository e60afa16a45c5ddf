"""Group commit: writers that come while a transaction is being committed share the next one."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from threading import Condition, Lock, Thread, current_thread
from time import monotonic
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from serving.journal.transaction import Transaction

R = TypeVar("R")
MOST = 64
"""Writes that one transaction takes at most, so that the first of them need not wait for too many others."""
LINGER_S = 0.003
"""How long a group waits for others that are to be expected: one wait for the disk then serves more."""
Coming = Callable[[float], bool]
"""Whether another write is on its way that has been begun since an instant, or is to begin; ``monotonic`` seconds."""
IDLE_S = 5.0
"""After which the thread that writes ends; the next write starts another."""


def nobody(_: float) -> bool:
    """Nobody is known to be coming."""
    return False


class _Waiting:
    """One write on its way."""

    __slots__ = ("error", "found", "result", "write")

    def __init__(self, write: Callable[[Transaction], Any]) -> None:
        self.write = write
        self.found: Future[Any] = Future()
        self.result: Any = None
        self.error: BaseException | None = None

    def tell(self) -> None:
        """Let whoever waits know, now that it is durable or has failed."""
        if self.error is None:
            self.found.set_result(self.result)
        else:
            self.found.set_exception(self.error)


class GroupCommit:
    """Runs writes of all threads in one thread, one group after the other."""

    def __init__(self, engine: Engine, coming: Coming = nobody) -> None:
        """``engine`` has to begin transactions that write, see ``writer``."""
        self._engine = engine
        self._coming = coming
        self._came = 0.0
        """When the latest write came."""
        self._queue: deque[_Waiting] = deque()
        self._news = Condition(Lock())
        self._thread: Thread | None = None
        self._several = False

    def submit(self, write: Callable[[Transaction], R]) -> Future[R]:
        """Run one write soon; the result comes when it is durable. What the write raises undoes that write alone.

        What is called when it is done is called by the thread that writes, and must not wait for another write.
        """
        mine = _Waiting(write)
        mine.found.set_running_or_notify_cancel()  # nobody can take it back
        with self._news:
            self._queue.append(mine)
            self._came = monotonic()
            if self._thread is None:
                self._thread = Thread(target=self._serve, name="journal", daemon=True)
                self._thread.start()
            self._news.notify()
        return mine.found

    def run(self, write: Callable[[Transaction], R]) -> R:
        """As ``submit``, and wait for it."""
        return self.submit(write).result()

    def close(self) -> None:
        """Give the connection back, once everything that waits is written."""
        with self._news:
            thread, self._thread = self._thread, None
            self._news.notify()
        if thread is not None and thread is not current_thread():
            thread.join()

    def _serve(self) -> None:
        connection: Connection | None = None
        while group := self._next():
            connection = self._commit(group, connection)
            for each in group:
                each.tell()
            del group, each  # what they hold is not kept until somebody writes again
        _let_go(connection)

    def _next(self) -> list[_Waiting]:
        """The next group; empty where the thread is to end."""
        with self._news:
            while not self._queue:
                if self._thread is not current_thread():
                    return []
                if not self._news.wait(IDLE_S) and not self._queue:
                    self._thread = None
                    return []
            until = monotonic() + LINGER_S
            while self._expecting() and len(self._queue) < MOST and (left := until - monotonic()) > 0:
                self._news.wait(left)
            self._several = len(self._queue) > 1
            return [self._queue.popleft() for _ in range(min(MOST, len(self._queue)))]

    def _expecting(self) -> bool:
        """True where the last group had several writes, or another one is known to be on its way."""
        return self._several or self._coming(self._came)

    def _commit(self, group: list[_Waiting], held: Connection | None) -> Connection | None:
        """Run a group on a connection, None: a new one; returns the one to run the next group on."""
        try:
            held = held or self._engine.connect()
            with held.begin():
                transaction = Transaction(held)
                for each in group:
                    self._apply(transaction, each, alone=len(group) == 1)
                transaction.close()
        except BaseException as error:
            _let_go(held)  # it may be broken
            for each in group:
                each.error = each.error or error
            return None
        return held

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


def _let_go(connection: Connection | None) -> None:
    if connection is not None:
        with suppress(SQLAlchemyError):
            connection.close()
