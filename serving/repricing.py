"""Has the prices of what is scarce solved again some times a day, and whenever policy or catalogue change."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from time import monotonic

from features.domain import Instant
from serving.equipment import Equipment

LOOK_S = 2.0
"""Seconds between two looks at whether anything has changed."""
DAY_S = 86_400.0
Solve = Callable[[Instant], Callable[[], bool]]
"""Starts a process that solves as of an instant; what it gives says whether that process has ended."""
_LOG = logging.getLogger(__name__)


class Repricing:
    """Runs between ``start`` and ``stop``, in a thread of its own."""

    def __init__(
        self, equipment: Callable[[], Equipment], now: Callable[[], Instant], per_day: float, solve: Solve
    ) -> None:
        """``per_day`` 0: never."""
        self._equipment = equipment
        self._now = now
        self._every_s = DAY_S / per_day if per_day else 0.0
        self._solve = solve
        self._ended: Callable[[], bool] = lambda: True
        self._solved_for: tuple[str, str] | None = None
        self._solved_at = 0.0
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin, beside the requests; nothing is begun where prices are never solved."""
        if self._every_s:
            self._stopped.clear()
            self._thread = threading.Thread(target=self._run, name="repricing", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """End it; a process that solves goes on by itself."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join()

    def look(self) -> bool:
        """Have prices solved if they are due and nobody is at it; True where that was begun."""
        equipment = self._equipment()
        if not scarce(equipment) or not self._ended():
            return False
        held, now = (equipment.policy.fingerprint, equipment.catalogue.fingerprint), monotonic()
        if held == self._solved_for and now - self._solved_at < self._every_s:
            return False
        self._ended = self._solve(self._now())
        self._solved_for, self._solved_at = held, now
        return True

    def _run(self) -> None:
        while not self._stopped.wait(LOOK_S):
            try:
                self.look()
            except Exception:
                _LOG.exception("prices could not be solved again")


def scarce(equipment: Equipment) -> bool:
    """True where there is any stock, capacity or budget."""
    return bool(equipment.policy.capacities or equipment.policy.budgets or equipment.stocks)
