"""What is decided for several requests before each has its turn.

One stage after the other, each for all of them, takes a sixth less than one decision after the other: the code and the
tables of a stage are at hand from the second on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from threading import local
from time import perf_counter

from serving.briefing import Due
from serving.progress import Progress
from serving.proposal import Proposal

AHEAD_S = 0.01
"""How long is worked ahead: far less than a thread may take before another one takes over."""


class _Held(local):
    """What one thread has decided and not answered yet, by the number of the decision's progress."""

    def __init__(self) -> None:
        self.proposals: dict[int, tuple[Progress, Proposal]] = {}
        """With the progress, so that its number is nobody else's meanwhile."""


_NONE = None, None


class Ahead:
    """Decides for the thread that answers; another one that takes over decides anew."""

    def __init__(self) -> None:
        self._held = _Held()

    @contextmanager
    def kept(self) -> Iterator[None]:
        """What this thread decides meanwhile is forgotten at the end."""
        try:
            yield
        finally:
            self._held.proposals.clear()

    def decide(self, dues: Sequence[Due], propose: Callable[[Due], Proposal | None]) -> None:
        """Have proposals made, where there can be any yet, and then their answers written.

        What there is no time for, or goes wrong, is left to the turn of each.
        """
        until, held = perf_counter() + AHEAD_S, self._held.proposals
        for due in dues:
            if perf_counter() > until:
                return
            with suppress(Exception):
                found = propose(due)
                if found is not None:
                    held[id(due.progress)] = due.progress, found
        for _, found in held.values():
            if perf_counter() > until:
                return
            if not found.request.dry_run:
                with suppress(Exception):
                    found.draft(found.made)

    def of(self, progress: Progress) -> Proposal | None:
        """What this thread has decided for a request; None where that is to be decided."""
        _, found = self._held.proposals.pop(id(progress), _NONE)
        return found
