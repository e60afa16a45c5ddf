"""What all customers together showed of every offer, as the store has it now."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from features.clock import Clock
from features.domain import SECOND, Instant, OfferId
from features.state import State
from serving.shortfall import Shortfall
from serving.store import FeatureReader
from serving.unavailable import UNREADABLE, without_store

STALE_US = 60 * SECOND
"""Age from which evidence is read again: at half-lives of 60 days and more it hardly changes until then (10⁻⁵)."""

Stamp = Callable[[], object]
"""Something that differs whenever what is stored may differ."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """States by offer as of an instant; with a shortfall they are the last ones that could be read."""

    states: Mapping[OfferId, State]
    at: Instant
    shortfall: Shortfall | None = None


class Crowd:
    """Follows the store; to be used from one thread at a time."""

    def __init__(self, store: FeatureReader, clock: Clock, stamp: Stamp) -> None:
        self._store = store
        self._clock = clock
        self._stamp = stamp
        self._stamped: object = None
        self._evidence: Evidence | None = None

    def evidence(self) -> Evidence:
        """The evidence of now; the very same object as before while the store is unchanged, for a minute."""
        at, stamp = self._clock.now(), self._stamp()
        held = self._evidence
        if held is None or stamp != self._stamped or abs(at - held.at) >= STALE_US:
            self._evidence = held = self._read(at)
            self._stamped = stamp
        return held

    def _read(self, at: Instant) -> Evidence:
        try:
            return Evidence(self._store.evidence(at), at)
        except UNREADABLE as error:
            return Evidence(self._evidence.states if self._evidence else {}, at, without_store(error))


def file_stamp(path: Path) -> Stamp:
    """When an SQLite file was last written, its write-ahead log included."""
    files = (path, path.with_name(f"{path.name}-wal"))
    return lambda: tuple(_written(file) for file in files)


def _written(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns
