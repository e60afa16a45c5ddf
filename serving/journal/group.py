"""Group commit: writers that come while a transaction is being committed share the next one.

A thread of the journal's own writes them. Whoever has a number of them to make writes them itself on SQLite, with all
else that waits, and leaves to that thread only to wait for the disk: threads share one interpreter, and what is handed
over from one to the other costs more than what is written. Where the system lets that thread not begin, everybody
writes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import Condition, Lock, Thread, ThreadError, current_thread, local
from time import monotonic
from typing import TypeVar

from sqlalchemy import Engine

from serving.journal.backlog import Backlog, Coming, nobody
from serving.journal.pen import Pen
from serving.journal.record import Row
from serving.journal.transaction import Transaction
from serving.journal.waiting import Explain, Waiting, unchanged
from serving.later import Later

R = TypeVar("R")
LINGER_S = 0.003
"""How long a group waits for others that are to be expected: one wait for the disk then serves more."""
LONGEST_S = 60.0
"""How long closing waits for what is being written; another process may hold it up for half as long."""
IDLE_S = 5.0
"""After which the thread that writes ends; the next write starts another."""


class _Own(local):
    """What one thread is at."""

    together = False


class GroupCommit:
    """Runs writes of all threads, one group after the other."""

    def __init__(
        self, engine: Engine, coming: Coming = nobody, check: Callable[[], None] = lambda: None, erasures: int = 0
    ) -> None:
        """``engine`` has to begin transactions that write, see ``writer``; ``check`` raises where none may begin.

        ``erasures`` is how many customers are known to be erased.
        """
        self.erasures = erasures
        """As many customers were erased at least: what is read from now on is without them."""
        self._pen = Pen(engine, check, erasures)
        self._here = engine.dialect.name == "sqlite"
        """Whether threads that write together run their writes themselves; a server would let them wait for each."""
        self._own = _Own()
        self._news = Condition(Lock())
        """Guards all that follows."""
        self._backlog = Backlog(coming)
        self._written: list[Waiting] | None = None
        """The group that is being written, where all that is left is to make it durable."""
        self._thread: Thread | None = None

    def submit(self, write: Callable[[Transaction], R], explain: Explain = unchanged, erases: bool = False) -> Later[R]:
        """Run one write soon; the result comes when it is durable. What the write raises undoes that write alone.

        What is called when it is done is called by the thread that writes, and must not wait for another write.
        ``erases`` is to be True where it erases a customer.
        """
        return self._add(Waiting(explain, write, erases))

    def keep(
        self, row: Row, kept: R, erasures: int | None, write: Callable[[Transaction], R], explain: Explain = unchanged
    ) -> Later[R]:
        """As ``submit`` of a write that keeps this decision, changes nothing else and gives ``kept``.

        Where more customers than ``erasures`` were erased by then, ``write`` is run; None: that is no matter.
        """
        return self._add(Waiting(explain, write, row=row, written=kept, erasures=erasures))

    def _add(self, mine: Waiting) -> Waiting:
        try:
            with self._news:
                self._backlog.waiting.append(mine)
                self._backlog.came = monotonic()
                if not self._own.together:
                    self._call()
        except ThreadError:
            self._stand_in()
        return mine

    @contextmanager
    def together(self) -> Iterator[None]:
        """What this thread submits meanwhile is written at the end, in one transaction.

        It must not wait for any of it before, or ``settle`` first.
        """
        self._own.together = True
        try:
            yield
        finally:
            self._settle(at_once=False)
            self._own.together = False

    def settle(self) -> None:
        """Have that written now which this thread has submitted together, where it does so."""
        if self._own.together:
            self._settle(at_once=True)

    def _settle(self, at_once: bool) -> None:
        """Write everything that waits. Where another group is being written and more is on its way, with that then."""
        try:
            self._settle_with_others(at_once)
        except ThreadError:
            self._stand_in()

    def _settle_with_others(self, at_once: bool) -> None:
        """As ``_settle``; what is left to the thread of the journal's own still waits where that raises ThreadError."""
        with self._news:
            if not self._backlog.waiting:
                return
            if self._backlog.busy or not self._here:
                if at_once or not self._here or not self._backlog.coming(monotonic()):
                    self._call()
                return
            group = self._backlog.taken()
        if not self._write(group, at_once=True):
            with self._news:  # another process writes, and its disk may be slow
                self._backlog.put_back(group)
                self._call()
            return
        if self._backlog.coming(monotonic()):
            with self._news, suppress(ThreadError):
                self._man()
                self._written = group  # while the disk is waited for, this thread has something better to do
                return
        self._end(group)
        if self._backlog.waiting:  # what was written by who was told of it, found no room, or was to be by a thread
            with self._news:
                if self._backlog.called or not self._backlog.coming(monotonic()):
                    self._call()

    def hurry(self) -> None:
        """Have everything written that waits, whoever was to do it; where no thread can be started, by the next."""
        with self._news, suppress(ThreadError):  # whoever writes next does it then
            if self._backlog.waiting:
                self._call()

    def close(self) -> None:
        """Give the connection back, once everything that waits is written."""
        self.hurry()
        self._stand_in()
        with self._news:
            thread, self._thread = self._thread, None
            self._news.notify_all()
        if thread is not None and thread is not current_thread():
            thread.join()
        with self._news:
            if self._news.wait_for(lambda: not self._backlog.busy, LONGEST_S):
                self._pen.put_down()

    def _call(self) -> None:
        self._backlog.called = True
        self._man()

    def _man(self) -> None:
        """See to it that a thread is there that looks what is to be done.

        Raises:
            ThreadError: None can be started.
        """
        if self._thread is None:
            thread = Thread(target=self._serve, name="journal", daemon=True)
            thread.start()
            self._thread = thread
        self._news.notify_all()

    def _stand_in(self) -> None:
        """Write what waits, as no thread could be started to; where a group is being written, who does so goes on."""
        while True:
            with self._news:
                if self._backlog.busy or self._thread is not None or not self._backlog.waiting:
                    return
                group = self._backlog.taken()
            self._write(group)
            self._end(group)

    def _serve(self) -> None:
        while group := self._next():
            self._end(group)
            del group  # what it holds is not kept until somebody writes again

    def _next(self) -> list[Waiting]:
        """The next group, written but for its end; empty where the thread is to end."""
        with self._news:
            while self._written is None:
                if self._backlog.due():
                    self._linger()
                    if self._backlog.due():
                        group = self._backlog.taken()
                        self._backlog.several = len(group) > 1
                        break
                elif self._thread is not current_thread() and not self._backlog.waiting:
                    return []
                elif not self._news.wait(IDLE_S) and self._written is None and not self._backlog.waiting:
                    self._thread = None
                    if not self._backlog.busy:
                        self._pen.put_down()
                    return []
            else:
                group, self._written = self._written, None
                return group
        self._write(group)
        return group

    def _linger(self) -> None:
        """Wait a moment for others that are to be expected."""
        until = monotonic() + LINGER_S
        while self._backlog.growing():
            if (left := until - monotonic()) <= 0 or not self._news.wait(left):
                return

    def _write(self, group: list[Waiting], at_once: bool = False) -> bool:
        """Run a group, all but its end; False where that cannot be begun at once and was to be."""
        begun = self._pen.write(group, at_once)
        self.erasures = self._pen.erasures
        return begun

    def _end(self, group: list[Waiting]) -> None:
        """Make a group durable that was run, and tell whoever waits for it."""
        self._pen.end(group)
        with self._news:
            self._backlog.busy = False
            self._news.notify_all()
        for each in group:
            each.tell()
