"""How long each stage of an answer took."""

from __future__ import annotations

from time import perf_counter


class Stopwatch:
    """Counts from its making; each lap ends one stage and begins the next."""

    def __init__(self) -> None:
        self._began = self._last = perf_counter()
        self._laps: dict[str, float] = {}

    def lap(self, stage: str) -> None:
        """End a stage."""
        now = perf_counter()
        self._laps[stage] = now - self._last
        self._last = now

    @property
    def seconds(self) -> float:
        """From the beginning to the last lap."""
        return self._last - self._began

    def milliseconds(self) -> dict[str, float]:
        """Milliseconds of each stage, and ``total`` since the beginning."""
        laps = {stage: round(1e3 * seconds, 3) for stage, seconds in self._laps.items()}
        return {**laps, "total": round(1e3 * (self._last - self._began), 3)}
