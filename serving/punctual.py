"""Answers by the deadline: with what is known by then, or with nothing.

What is late is done without, and the answer says so. Store and model are waited for until three fifths of the time
are over; then the best is decided that can be answered for without them. What is not granted and recorded in time is
not offered, and a reservation that comes too late is released.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as LateError
from time import perf_counter

from serving import api
from serving.progress import Progress
from serving.reception import Reception

SHARE = 0.6
"""Of the deadline, after which store and model are no longer waited for."""
WORKERS = 64


class Punctual:
    """A reception with a deadline; 0 waits for as long as it takes."""

    def __init__(self, reception: Reception, deadline_ms: float) -> None:
        self._reception = reception
        self._limit = deadline_ms / 1e3
        self._pool = ThreadPoolExecutor(WORKERS, "deadline") if deadline_ms else None

    def decide(self, request: api.DecisionRequest) -> api.Answer:
        """See Reception. A dry run has no deadline.

        Raises:
            RefusalError: As Reception.
        """
        if self._pool is None or request.dry_run:
            return self._reception.decide(request)
        began, progress = perf_counter(), Progress()
        answer = self._pool.submit(self._reception.decide, request, progress)
        try:
            return answer.result(SHARE * self._limit)
        except LateError:
            late = progress
        if late.give_up():
            progress = Progress()
            answer = self._pool.submit(self._reception.decide_late, request, late, progress)
        try:
            return answer.result(max(began + self._limit - perf_counter(), 0.0))
        except LateError:
            progress.give_up()
            return self._reception.nothing(request, late)

    def close(self) -> None:
        """Let go of the threads; whatever is under way ends unheard."""
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)
