"""Lets reservations expire that nobody confirmed, so that what they hold of shared stocks and budgets comes back; and
incentives that nobody used, so that their budget does.

A slot of the customer's own is free as soon as time is up, whether swept or not.
"""

from __future__ import annotations

import logging
import threading

from features.clock import Clock
from serving.journal import Journal, JournalUnavailableError
from serving.journal.holds import AT_ONCE as MOST
from serving.journal.holds import any_to_settle, settle
from serving.journal.standings import AT_ONCE, any_lapsed, sweep

EVERY_S = 15.0
_LOG = logging.getLogger(__name__)


class Sweep:
    """Runs between ``start`` and ``stop``, in a thread of its own."""

    def __init__(self, journal: Journal, clock: Clock, every_s: float = EVERY_S) -> None:
        self._journal = journal
        self._clock = clock
        self._every_s = every_s
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin, beside the requests."""
        self._stopped.clear()
        self._thread = threading.Thread(target=self._run, name="sweep", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End it; what is due is swept by whoever comes next."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join()

    def once(self) -> int:
        """Sweep everything that is due now; returns of how many."""
        self._journal.testify()
        at, swept = self._clock.now(), 0
        with self._journal.reading() as connection:
            due, over = any_lapsed(connection, at), any_to_settle(connection, at)
        while due and not self._stopped.is_set():
            some = self._journal.write(lambda transaction: sweep(transaction, at))
            swept += some
            due = some == AT_ONCE
        while over and not self._stopped.is_set():
            over = self._journal.write(lambda transaction: settle(transaction, at)) == MOST
        return swept

    def _run(self) -> None:
        while not self._stopped.wait(self._every_s):
            try:
                self.once()
            except JournalUnavailableError:
                continue
            except Exception:
                _LOG.exception("reservations could not be swept")
