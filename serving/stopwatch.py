"""How long each stage of an answer took."""

from __future__ import annotations

from time import perf_counter


class Stopwatch:
    """Counts from its making; each lap ends one stage and begins the next."""

    __slots__ = ("_began", "_laps", "_last")

    def __init__(self, earlier_s: float = 0.0) -> None:
        """``earlier_s`` is what was done of the first stage before."""
        self._began = self._last = perf_counter() - earlier_s
        self._laps: dict[str, float] = {}
        """Milliseconds of each stage."""

    def lap(self, stage: str) -> None:
        """End a stage."""
        now = perf_counter()
        # As round(1e3 * seconds, 3), which writes the number out and reads it again.
        self._laps[stage] = int(1e6 * (now - self._last) + 0.5) / 1e3
        self._last = now

    @property
    def seconds(self) -> float:
        """From the beginning to the last lap."""
        return self._last - self._began

    def milliseconds(self) -> dict[str, float]:
        """Milliseconds of each stage, to the microsecond, and ``total`` since the beginning."""
        return {**self._laps, "total": int(1e6 * (self._last - self._began) + 0.5) / 1e3}
