"""Wakes what waits on an event loop for other threads: many at once, and all that is late by one timer."""

from __future__ import annotations

from asyncio import AbstractEventLoop, Future, TimerHandle
from collections import deque
from contextlib import suppress
from heapq import heappop, heappush
from itertools import count
from typing import Any

from serving.later import Later


class Bell:
    """Belongs to one event loop. Waking the loop costs more than what is told: whoever comes meanwhile comes along."""

    def __init__(self, loop: AbstractEventLoop) -> None:
        self.loop = loop
        self._come: deque[Future[None]] = deque()
        self._rung = False
        """Whether the loop was woken and has not looked yet."""
        self._due: list[tuple[float, int, Future[None]]] = []
        """A heap of until when is waited, with what has come before that and was not taken out yet."""
        self._count = count()
        self._timer: TimerHandle | None = None

    def rings(self, answer: Later[Any], seconds: float | None) -> Future[None]:
        """Done once the answer has come, or after so many seconds; to be called by the loop."""
        woken = self.loop.create_future()
        if seconds is not None:
            heappush(self._due, (self.loop.time() + seconds, next(self._count), woken))
            if self._timer is None or self._due[0][2] is woken:
                self._set_timer()
        answer.add_done_callback(lambda _: self._ring(woken))
        return woken

    def _ring(self, woken: Future[None]) -> None:
        """Have somebody woken; called by whatever thread."""
        self._come.append(woken)
        if not self._rung:
            self._rung = True
            with suppress(RuntimeError):  # the loop may be closed by now
                self.loop.call_soon_threadsafe(self._wake)

    def _wake(self) -> None:
        self._rung = False  # before it is looked: who comes from now on rings again
        while self._come:
            _done(self._come.popleft())

    def _sweep(self) -> None:
        """Wake everybody whose time is over."""
        now = self.loop.time()
        while self._due and (self._due[0][0] <= now or self._due[0][2].done()):
            _done(heappop(self._due)[2])
        self._set_timer()

    def _set_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self.loop.call_at(self._due[0][0], self._sweep) if self._due else None


def _done(woken: Future[None]) -> None:
    if not woken.done():
        woken.set_result(None)
