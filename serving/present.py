"""Which instant counts as now: the machine's, or a simulated one that stands where the known history ends."""

from __future__ import annotations

from collections.abc import Callable

from features.catalogue import Catalogue
from features.clock import Clock, SimulatedClock, SystemClock
from features.domain import Instant
from serving.settings import Settings


def clock_of(settings: Settings) -> Clock:
    """The clock of these settings; a simulated one without an instant of its own starts in 1970, before any data."""
    return SystemClock() if settings.clock == "system" else SimulatedClock(settings.as_of or Instant(0))


def follower(clock: Clock, settings: Settings) -> Callable[[Catalogue], None]:
    """Moves a simulated clock on to the end of each new catalogue's history, unless the settings fix its instant."""

    def follow(catalogue: Catalogue) -> None:
        if isinstance(clock, SimulatedClock) and settings.as_of is None:
            clock.advance(max(catalogue.now - clock.now(), 0))

    return follow
