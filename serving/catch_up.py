"""Brings the stored values up to the journal when the service starts, in a thread of its own.

Another process may have died between journal and value. Whoever asks for a customer gets caught-up values anyway; this
is for what reads the store without asking here, and so that the first request need not do it.
"""

from __future__ import annotations

import logging
import threading
from itertools import takewhile

from features.errors import KairosError
from serving.projection import Projection

RETRY_S = 1.0
"""Seconds until the next attempt while catalogue, store or journal are missing."""
_LOG = logging.getLogger(__name__)


class CatchUp:
    """Runs once to its end after ``start``; ``stop`` ends it early."""

    def __init__(self, projection: Projection) -> None:
        self._projection = projection
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin, beside the requests."""
        self._stopped.clear()
        self._thread = threading.Thread(target=self._run, name="catch-up", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End it; what is not caught up yet is so when it is asked for."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                customers = (standing.customer_id for standing in self._projection.journal.standings())
                self._projection.settle_all(takewhile(lambda _: not self._stopped.is_set(), customers))
            except KairosError:
                self._stopped.wait(RETRY_S)
            except Exception:
                _LOG.exception("stored values could not be caught up with the journal")
                return
            else:
                return
