"""Works jobs off in their order: one thread at a time, and another one where that is held up.

Decisions share one interpreter, so that many threads at once would only take turns at it and wait for each other.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from itertools import islice
from threading import Condition, Lock, Thread, current_thread
from time import monotonic
from typing import Any, TypeVar

from serving.later import Later

R = TypeVar("R")
_LOG = logging.getLogger(__name__)
PATIENCE_S = 0.05
"""How long a job may take before another thread takes over the rest."""
MOST = 64
"""Threads at once, all but one of which are held up."""
TOGETHER = 16
"""Jobs that are done together at most, so that what comes of the first need not wait for too many others."""
LINGER_S = 0.0005
"""How long is waited for others where several came together the last time: whoever was answered together comes back
together, and what is done together takes less."""
IDLE_S = 5.0
"""After which a thread without work ends."""


class _Job(Later[R]):
    """Something to do: what it begins is complete when this is."""

    __slots__ = ("_begin", "about")

    def __init__(self, begin: Callable[[], Later[R]], about: Any) -> None:
        super().__init__()
        self._begin = begin
        self.about = about

    def run(self) -> None:
        """Begin it."""
        try:
            begun = self._begin()
        except BaseException as error:
            self.set_exception(error)
        else:
            begun.add_done_callback(self.follow)


class Crew:
    """Threads that begin when there is work and end without it."""

    def __init__(
        self,
        name: str,
        together: Callable[[], AbstractContextManager[object]] = nullcontext,
        hurry: Callable[[], None] = lambda: None,
        ahead: Callable[[Sequence[Any]], None] = lambda _: None,
    ) -> None:
        """A thread does the jobs that it finds waiting within one ``together``.

        ``hurry`` is called where one of them is held up: what those before it have begun is not to wait for its end.
        ``ahead`` is called before several are begun, with what they are about; where it fails, they are done all the
        same.
        """
        self._name = name
        self._together, self._hurry, self._ahead = together, hurry, ahead
        self._jobs: deque[_Job[Any]] = deque()
        self._lock = Lock()
        self._news = Condition(self._lock)
        self._idle = False
        """Whether the lead waits for a job, and was not told of one yet."""
        self._wanted = 0
        """For how many jobs it waits then."""
        self._before = 1
        """How many it found the last time."""
        self._lead: Thread | None = None
        self._threads = 0
        self._began: float | None = None
        """When the lead began what it is at."""

    def submit(self, job: Callable[[], Later[R]], about: object = None) -> Later[R]:
        """Do a job soon; what it begins is complete when its result is. Nobody can take it back.

        Raises:
            RuntimeError: Nobody is at work, and no thread can be started.
        """
        found = _Job(job, about)
        with self._lock:
            self._jobs.append(found)
            if self._lead is None or (self._idle and len(self._jobs) >= self._wanted) or self._held_up():
                try:
                    self._man()
                except RuntimeError:
                    self._jobs.pop()
                    raise
        return found

    def at_it(self, since: float) -> bool:
        """True where a job waits to be begun, or one is under way that was begun since then; ``monotonic`` seconds."""
        began = self._began
        return bool(self._jobs) or (began is not None and began > since)

    def relieve(self) -> None:
        """Let another thread go on where the one at work is held up."""
        with self._lock:
            self._man()
        self._hurry()

    def close(self) -> None:
        """Begin nothing more; whatever is under way ends unheard."""
        with self._news:
            self._jobs.clear()
            self._lead = None
            self._news.notify_all()

    def _held_up(self) -> bool:
        return self._began is not None and monotonic() - self._began > PATIENCE_S

    def _man(self) -> None:
        """See to it that somebody is at the jobs."""
        held_up = self._held_up()
        if held_up:
            self._hurry()
        if self._jobs and self._threads < MOST and (self._lead is None or held_up):
            work = partial(self._work, held_up)
            lead = Thread(target=work, name=self._name, daemon=True)
            try:
                lead.start()
            except RuntimeError:
                if self._lead is None:
                    raise
                _LOG.warning("no thread can be started: what waits behind the one that is held up goes on waiting")
                self._began = monotonic()  # not tried again at once
                return
            self._lead, self._began = lead, None
            self._threads += 1
        elif self._idle:
            self._idle = False
            self._news.notify_all()

    def _work(self, relieving: bool) -> None:
        me = current_thread()
        try:
            self._lead_on(me, relieving)
        except BaseException:  # the next job that comes finds nobody at work, and another thread begins
            with self._lock:
                self._leave(me)
            raise

    def _lead_on(self, me: Thread, relieving: bool) -> None:
        while waiting := self._waiting(me):
            with self._together():
                if waiting > 1 and not relieving:  # for what holds the other one up would hold up this one
                    self._look_ahead(me)
                relieving, until = False, monotonic() + PATIENCE_S
                for _ in range(min(waiting, TOGETHER)):
                    if (job := self._next(me)) is None:
                        break
                    job.run()
                    del job  # what it holds is not kept until there is another one
                    if monotonic() > until:
                        break

    def _look_ahead(self, me: Thread) -> None:
        """Tell what the next jobs are about. They go on waiting, so that another thread can take over all of them."""
        with self._lock:
            if self._lead is not me:
                return
            self._began = monotonic()
            told = [job.about for job in islice(self._jobs, TOGETHER) if job.about is not None]
        if len(told) > 1:
            try:
                self._ahead(told)
            except Exception:
                _LOG.exception("what waiting jobs are about could not be told: each is done without")

    def _waiting(self, me: Thread) -> int:
        """How many jobs wait for the thread that leads; 0 where this thread is to end."""
        with self._lock:
            ours = self._lead is me
            if ours:
                self._began = None
            if ours and not self._jobs:
                self._wanted = 1
                ours = self._come(me, IDLE_S)
                if ours and len(self._jobs) < self._before:
                    self._wanted = self._before
                    ours = self._come(me, LINGER_S)
            if not ours:
                self._leave(me)
                return 0
            self._before = min(len(self._jobs), TOGETHER)
            return len(self._jobs)

    def _come(self, me: Thread, seconds: float) -> bool:
        """Wait for as many jobs as are wanted; whether there is any, and this thread still leads."""
        until = monotonic() + seconds
        while len(self._jobs) < self._wanted and self._lead is me and (left := until - monotonic()) > 0:
            self._idle = True
            self._news.wait(left)
        if self._lead is me:  # else it is another one that may wait
            self._idle = False
        return bool(self._jobs) and self._lead is me

    def _leave(self, me: Thread) -> None:
        self._threads -= 1
        if self._lead is me:
            self._lead, self._began, self._idle = None, None, False

    def _next(self, me: Thread) -> _Job[Any] | None:
        """The next job of the thread that leads; None where there is none, or another one leads by now."""
        with self._lock:
            if not self._jobs or self._lead is not me:
                return None
            self._began = monotonic()
            return self._jobs.popleft()
