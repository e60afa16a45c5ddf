"""What time it is. Chosen once, at the composition root; everything else takes an instant as an argument."""

from __future__ import annotations

import time
from threading import Lock
from typing import Protocol

from features.domain import Instant


class Clock(Protocol):
    """Anything that knows the present instant."""

    def now(self) -> Instant:
        """The present, microseconds UTC."""
        ...


class SystemClock:
    """The clock of the machine."""

    def now(self) -> Instant:
        """The present by the machine's clock, microseconds UTC."""
        return Instant(time.time_ns() // 1_000)


class SimulatedClock:
    """A clock that stands still at ``start`` until it is advanced. Safe to share between threads."""

    def __init__(self, start: Instant) -> None:
        self._now = start
        self._lock = Lock()

    def now(self) -> Instant:
        """The simulated present, microseconds UTC."""
        return self._now

    def advance(self, us: int) -> Instant:
        """Move on by ``us`` microseconds and return the new present. Time never runs back: ValueError if negative."""
        if us < 0:
            raise ValueError(f"a clock cannot go back by {-us} µs: advance it by 0 or more")
        with self._lock:
            self._now = Instant(self._now + us)
            return self._now
