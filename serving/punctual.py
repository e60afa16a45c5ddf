"""Answers by the deadline: with what is known by then, or with nothing.

What is late is done without, and the answer says so. Store and model are waited for until three fifths of the time
are over; then the best is decided that can be answered for without them. What is not granted and recorded in time is
not offered, and a reservation that comes too late is released.
"""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from functools import partial
from time import perf_counter

from serving import api
from serving.answer_api import Answer
from serving.bell import Bell
from serving.briefing import Due
from serving.crew import Crew
from serving.later import Later
from serving.letter import Letter
from serving.progress import Progress
from serving.reception import Reception

SHARE = 0.6
"""Of the deadline, after which store and model are no longer waited for."""
Steps = Generator[tuple[Later[Letter], float | None], None, Letter]
"""Yields what is waited for next, and for how many seconds at most; returns the answer."""


class Punctual:
    """A reception with a deadline; 0 waits for as long as it takes."""

    def __init__(self, reception: Reception, deadline_ms: float) -> None:
        self._reception = reception
        self._limit = deadline_ms / 1e3
        self._crew = Crew("decision", reception.together, reception.hurry, reception.brief)
        self._bell: Bell | None = None

    def decide(self, request: api.DecisionRequest) -> Answer:
        """See Reception. A dry run has no deadline.

        Raises:
            RefusalError: As Reception.
        """
        steps = self._steps(request)
        try:
            while True:
                answer, seconds = next(steps)
                answer.wait(seconds)
        except StopIteration as done:
            return _told(done).answer

    async def decide_soon(self, request: api.DecisionRequest) -> Letter:
        """As ``decide``, for an event loop: no thread waits."""
        steps, bell = self._steps(request), self._ours()
        try:
            while True:
                answer, seconds = next(steps)
                await bell.rings(answer, seconds)
        except StopIteration as done:
            return _told(done)

    def _ours(self) -> Bell:
        """The bell of the loop that runs this."""
        loop = asyncio.get_running_loop()
        if self._bell is None or self._bell.loop is not loop:
            self._bell = Bell(loop)
        return self._bell

    def _steps(self, request: api.DecisionRequest) -> Steps:
        began, progress = perf_counter(), Progress()
        answer = self._crew.submit(partial(self._reception.decide_soon, request, progress), Due(request, progress))
        if not self._limit or request.dry_run:
            yield answer, None
            return answer.result()
        yield answer, SHARE * self._limit
        if answer.done():
            return answer.result()
        late = progress
        if late.give_up():
            progress = Progress()
            answer = self._crew.submit(partial(self._reception.decide_late, request, late, progress))
        else:
            self._crew.relieve()
        yield answer, max(began + self._limit - perf_counter(), 0.0)
        if answer.done():
            return answer.result()
        progress.abandon()
        return self._reception.nothing(request, late)

    def at_it(self, since: float) -> bool:
        """True where a decision waits to be made, or one is being made that was begun since then."""
        return self._crew.at_it(since)

    def close(self) -> None:
        """Let go of the threads; whatever is under way ends unheard."""
        self._crew.close()


def _told(done: StopIteration) -> Letter:
    answer: Letter = done.value
    return answer
