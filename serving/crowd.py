"""What all customers together showed of every offer, as the store has it now."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from features.clock import Clock
from features.domain import SECOND, Instant, OfferId
from features.state import State
from serving.feature_reader import FeatureReader
from serving.shortfall import Shortfall
from serving.unavailable import UNREADABLE, without_store

STALE_US = 60 * SECOND
"""Age from which evidence is read again: at half-lives of 60 days and more it hardly changes until then (10⁻⁵)."""
OUTDATED_US = 3 * STALE_US
"""Age up to which it serves while what is new is made ready; beyond, a decision reads that of its own instant."""

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
        """The evidence of now; the very same object as before while it says the same, for a minute."""
        at, stamp = self._clock.now(), self._stamp()
        held = self._evidence
        if held is None or stamp != self._stamped or abs(at - held.at) >= STALE_US:
            found, self._stamped = self._read(at), stamp
            # Every event is written to the same store, and most change nothing here: a new object costs much elsewhere.
            if held is None or abs(at - held.at) >= STALE_US or not _alike(held, found):
                self._evidence = held = found
        return held

    def _read(self, at: Instant) -> Evidence:
        try:
            return Evidence(self._store.evidence(at), at)
        except UNREADABLE as error:
            return Evidence(self._evidence.states if self._evidence else {}, at, without_store(error))


def _alike(left: Evidence, right: Evidence) -> bool:
    return (
        left.shortfall == right.shortfall
        and left.states.keys() == right.states.keys()
        and all(_same(state, right.states[offer_id]) for offer_id, state in left.states.items())
    )


def _same(left: State, right: State) -> bool:
    return left.reference == right.reference and all(
        a.keys == b.keys and a.sums.tobytes() == b.sums.tobytes() and a.instants.tobytes() == b.instants.tobytes()
        for a, b in zip(left.memories, right.memories, strict=True)
    )


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
