"""Answers by the deadline: with what is known by then, or with nothing.

What is late is done without, and the answer says so. Store and model are waited for until three fifths of the time
are over; then the best is decided that can be answered for without them. What is not granted and recorded in time is
not offered, and a reservation that comes too late is released.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator
from functools import partial
from threading import ThreadError
from time import perf_counter

from serving import api
from serving.answer_api import Answer
from serving.bell import Bell
from serving.briefing import Due
from serving.crew import Crew
from serving.later import Later, failed, there
from serving.letter import Letter
from serving.progress import Progress
from serving.reception import Reception

SHARE = 0.6
"""Of the deadline, after which store and model are no longer waited for."""
Steps = Generator[tuple[Later[Letter], float | None], None, Letter]
"""Yields what is waited for next, and for how many seconds at most; returns the answer."""
Then = Callable[[Later[Letter]], object]


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
        began, progress = perf_counter(), Progress()
        answer = self._asked(request, progress)
        if answer.wait(self._patience(request)):
            return answer.result().answer
        steps = self._late(answer, request, progress, began)
        try:
            while True:
                answer, seconds = next(steps)
                answer.wait(seconds)
        except StopIteration as done:
            return _told(done).answer

    async def decide_soon(self, request: api.DecisionRequest) -> Letter:
        """As ``decide``, for an event loop: no thread waits."""
        come: asyncio.Future[Later[Letter]] = asyncio.get_running_loop().create_future()
        self.decide_then(request, lambda found: None if come.done() else come.set_result(found))
        return (await come).result()

    def decide_then(self, request: api.DecisionRequest, then: Then) -> None:
        """As ``decide``, for an event loop, which calls this once the answer has come or failed."""
        began, progress = perf_counter(), Progress()
        answer = self._asked(request, progress)

        def heard() -> None:
            if answer.done():
                then(answer)
            else:
                self._next(self._late(answer, request, progress, began), then)

        self._ours().rings(answer, self._patience(request), heard)

    def _next(self, steps: Steps, then: Then) -> None:
        try:
            answer, seconds = next(steps)
        except StopIteration as done:
            then(there(_told(done)))
        except BaseException as error:
            then(failed(error))
        else:
            self._ours().rings(answer, seconds, partial(self._next, steps, then))

    def _ours(self) -> Bell:
        """The bell of the loop that runs this."""
        loop = asyncio.get_running_loop()
        if self._bell is None or self._bell.loop is not loop:
            self._bell = Bell(loop)
        return self._bell

    def _patience(self, request: api.DecisionRequest) -> float | None:
        """Seconds until store and model are no longer waited for."""
        return SHARE * self._limit if self._limit and not request.dry_run else None

    def _asked(self, request: api.DecisionRequest, progress: Progress) -> Later[Letter]:
        try:
            return self._crew.submit(partial(self._reception.decide_soon, request, progress), Due(request, progress))
        except ThreadError:  # nobody can decide
            return there(self._reception.overdue.nothing(request, progress))

    def _late(self, answer: Later[Letter], request: api.DecisionRequest, late: Progress, began: float) -> Steps:
        """What is done about a decision that has not come in its share of the time."""
        progress = late
        try:
            if late.give_up():
                progress = Progress()
                answer = self._crew.submit(partial(self._reception.overdue.decide, request, late, progress))
            else:
                self._crew.relieve()
        except ThreadError:  # nobody can decide
            late.abandon()
            return self._reception.overdue.nothing(request, late)
        yield answer, max(began + self._limit - perf_counter(), 0.0)
        if answer.done():
            return answer.result()
        progress.abandon()
        return self._reception.overdue.nothing(request, late)

    def at_it(self, since: float) -> bool:
        """True where a decision waits to be made, or one is being made that was begun since then."""
        return self._crew.at_it(since)

    def close(self) -> None:
        """Let go of the threads; whatever is under way ends unheard."""
        self._crew.close()


def _told(done: StopIteration) -> Letter:
    answer: Letter = done.value
    return answer
