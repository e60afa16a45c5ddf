"""Where the time went: wall and processor time by stage."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass
class Spent:
    """Seconds by stage, in the order in which stages first ended. A stage within another counts for itself alone."""

    seconds: dict[str, tuple[float, float]] = field(default_factory=dict)
    """Wall and processor time of this process, all threads together."""
    _within: list[tuple[float, float]] = field(default_factory=list)

    @contextmanager
    def on(self, stage: str) -> Iterator[None]:
        """Count what follows towards a stage, in one thread."""
        self._within.append((0.0, 0.0))
        wall, cpu = time.perf_counter(), time.process_time()
        try:
            yield
        finally:
            wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
            within, before = self._within.pop(), self.seconds.get(stage, (0.0, 0.0))
            self.seconds[stage] = before[0] + wall - within[0], before[1] + cpu - within[1]
            if self._within:
                self._within[-1] = self._within[-1][0] + wall, self._within[-1][1] + cpu

    def together(self) -> tuple[float, float]:
        """Wall and processor time of all stages."""
        return sum(wall for wall, _ in self.seconds.values()), sum(cpu for _, cpu in self.seconds.values())

    def table(self) -> str:
        """A line for each stage."""
        lines = [f"{'stage':<34}{'seconds':>9}{'processor':>11}"]
        for stage, (wall, cpu) in (*self.seconds.items(), ("together", self.together())):
            lines.append(f"{stage:<34}{wall:>9.1f}{cpu:>11.1f}")
        return "\n".join(lines)
