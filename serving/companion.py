"""Keeps a process alive beside the service for as long as it is wanted."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from subprocess import Popen, TimeoutExpired

LOOK_S = 2.0
PATIENCE_S = 60.0
"""After which a process that ended is started again."""
_LOG = logging.getLogger(__name__)


class Companion:
    """Runs between ``start`` and ``stop``, in a thread of its own."""

    def __init__(self, wanted: Callable[[], bool], launch: Callable[[], Popen[bytes]] | None) -> None:
        """``launch`` None: there is nothing to start, ever."""
        self._wanted = wanted
        self._launch = launch
        self._child: Popen[bytes] | None = None
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin, beside the requests."""
        if self._launch is not None:
            self._stopped.clear()
            self._thread = threading.Thread(target=self._run, name="companion", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """End it, and the process."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join()
        if self._child is not None and self._child.poll() is None:
            self._child.terminate()
            try:
                self._child.wait(5.0)
            except TimeoutExpired:
                self._child.kill()

    def _run(self) -> None:
        wait = 0.0
        while not self._stopped.wait(wait):
            wait = LOOK_S
            try:
                if self._wanted() and (self._child is None or self._child.poll() is not None):
                    wait = LOOK_S if self._child is None else PATIENCE_S
                    assert self._launch is not None
                    self._child = self._launch()
            except Exception:
                _LOG.exception("a process beside the service could not be started")
