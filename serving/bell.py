"""Wakes what waits on an event loop for other threads: many at once, and all that is late by one timer."""

from __future__ import annotations

from asyncio import AbstractEventLoop, TimerHandle
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from heapq import heappop, heappush
from itertools import count
from math import inf
from typing import Any

from serving.later import Later

Tell = Callable[[], object]


class _Wait:
    """Somebody who waits for an answer."""

    __slots__ = ("_bell", "tell")

    def __init__(self, bell: Bell, tell: Tell) -> None:
        self._bell = bell
        self.tell: Tell | None = tell
        """What is to be called, None where it was."""

    def __call__(self, _: Later[Any]) -> None:
        """The answer has come; called by whatever thread."""
        self._bell.ring(self)


class Bell:
    """Belongs to one event loop. Waking the loop costs more than what is told: whoever comes meanwhile comes along."""

    def __init__(self, loop: AbstractEventLoop) -> None:
        self.loop = loop
        self._come: deque[_Wait] = deque()
        self._rung = False
        """Whether the loop was woken and has not looked yet."""
        self._due: list[tuple[float, int, _Wait]] = []
        """A heap of until when is waited; who was woken before is taken out once it comes first."""
        self._count = count()
        self._timer: TimerHandle | None = None
        self._at = inf
        """When the timer ends."""

    def rings(self, answer: Later[Any], seconds: float | None, tell: Tell) -> None:
        """Have the loop, which is to call this, tell once the answer has come, or after so many seconds."""
        wait = _Wait(self, tell)
        if seconds is not None:
            until = self.loop.time() + seconds
            heappush(self._due, (until, next(self._count), wait))
            if until < self._at:
                self._set_timer(until)
        answer.add_done_callback(wait)

    def ring(self, wait: _Wait) -> None:
        """Have somebody woken; called by whatever thread."""
        self._come.append(wait)
        if not self._rung:
            self._rung = True
            with suppress(RuntimeError):  # the loop may be closed by now
                self.loop.call_soon_threadsafe(self._wake)

    def _wake(self) -> None:
        self._rung = False  # before it is looked: who comes from now on rings again
        try:
            while self._come:
                wait = self._come.popleft()
                tell, wait.tell = wait.tell, None  # what was told is not kept until its time would have been over
                if tell is not None:
                    tell()
        finally:
            if self._come:  # one of them failed, which the loop tells; the others are woken all the same
                self.loop.call_soon(self._wake)
        while self._due and self._due[0][2].tell is None:
            heappop(self._due)

    def _sweep(self) -> None:
        """Wake everybody whose time is over."""
        self._timer, self._at = None, inf
        now = self.loop.time()
        while self._due and (self._due[0][0] <= now or self._due[0][2].tell is None):
            self._come.append(heappop(self._due)[2])
        if self._due:
            self._set_timer(self._due[0][0])
        self._wake()

    def _set_timer(self, until: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer, self._at = self.loop.call_at(until, self._sweep), until
