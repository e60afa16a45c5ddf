"""What waits to be written, and when the next group of it is due."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from time import monotonic

from serving.journal.waiting import Waiting

MOST = 64
"""Writes that one transaction takes at most, so that the first of them need not wait for too many others."""
Coming = Callable[[float], bool]
"""Whether another write is on its way that has been begun since an instant, or is to begin; ``monotonic`` seconds."""


def nobody(_: float) -> bool:
    """Nobody is known to be coming."""
    return False


class Backlog:
    """The writes of all threads, in their order. Whoever looks at it or changes it holds the lock on it."""

    def __init__(self, coming: Coming) -> None:
        self.coming = coming
        self.waiting: deque[Waiting] = deque()
        self.came = 0.0
        """When the latest write came."""
        self.called = False
        """Whether it is to be written without waiting for who writes together."""
        self.busy = False
        """Whether a group that was taken is being written."""
        self.several = False
        """Whether there are likely to be several writes soon, as there were before."""

    def due(self) -> bool:
        """True where something waits that nobody else is going to write."""
        return bool(self.waiting) and not self.busy and (self.called or not self.coming(monotonic()))

    def growing(self) -> bool:
        """True where a group is due, and has room for others that are to be expected."""
        return self.due() and len(self.waiting) < MOST and (self.several or self.coming(self.came))

    def taken(self) -> list[Waiting]:
        """The next group, which whoever calls this is then busy with. Who erases a customer is written alone."""
        self.busy = True
        group = [self.waiting.popleft()]
        while self.waiting and len(group) < MOST and not (group[0].erases or self.waiting[0].erases):
            group.append(self.waiting.popleft())
        self.called = self.called and bool(self.waiting)
        return group

    def put_back(self, group: list[Waiting]) -> None:
        """What was taken is next again, and nobody is busy with it."""
        self.waiting.extendleft(reversed(group))
        self.busy = False
