"""The service as a sender sees it: a process of its own, asked over HTTP by several callers at once."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from threading import local
from typing import Any

from features.domain import Instant
from features.errors import KairosError
from features.instant import format_instant
from training.child import Child, child

CALLERS = 8
AT_ONCE = 500
"""Events in a call."""
START_S = 120.0
IDLE_S = 1.0
"""After which a connection is not trusted to be open still."""


class LoopError(KairosError):
    """The service or a stage did not do what the loop needs."""


class Service:
    """A running service."""

    def __init__(self, process: Child, host: str, port: int, now: Instant) -> None:
        self._process, self._host, self._port = process, host, port
        self._own = local()
        self._pool = ThreadPoolExecutor(CALLERS)
        self.now = now
        """What its clock shows."""

    def call(self, method: str, path: str, body: object, headers: Mapping[str, str] | None = None) -> Any:
        """The JSON answer. Raises LoopError for a status from 400 on."""
        connection = self._connection()
        try:
            sent = {"Content-Type": "application/json", **(headers or {})}
            connection.request(method, path, None if body is None else json.dumps(body), sent)
            answer = connection.getresponse()
            text = answer.read()
        except OSError as error:
            connection.close()
            raise LoopError(f"{method} {path} was not answered: {error}") from error
        if answer.status >= 400:
            raise LoopError(f"{method} {path}: {answer.status} {text.decode()[:500]}")
        return json.loads(text) if text else None

    def _connection(self) -> HTTPConnection:
        """The thread's own; a new one where the service may have closed it because it was idle."""
        connection, used = getattr(self._own, "held", (None, 0.0))
        if connection is None or time.monotonic() - used > IDLE_S:
            connection = HTTPConnection(self._host, self._port, timeout=60)
        self._own.held = (connection, time.monotonic())
        found: HTTPConnection = connection
        return found

    def each(self, method: str, path: str, bodies: Sequence[object]) -> list[Any]:
        """The answers to many calls, in order."""
        return list(self._pool.map(lambda body: self.call(method, path, body), bodies))

    def events(self, events: Sequence[Mapping[str, object]]) -> None:
        """Report events. Raises LoopError where one is refused."""
        batches = [list(events[start : start + AT_ONCE]) for start in range(0, len(events), AT_ONCE)]
        for batch in batches:
            answer = self.call("POST", "/v1/events", batch)
            refused = [item for item in answer["items"] if item["status"] not in ("accepted", "duplicate")]
            if refused:
                raise LoopError(f"an event was refused: {refused[0]}")

    def until(self, at: Instant) -> None:
        """Let simulated time pass; an instant that has passed changes nothing."""
        if at > self.now:
            self.call("POST", "/v1/clock", {"now": format_instant(at)})
            self.now = at

    def close(self) -> None:
        """Let go of the callers."""
        self._pool.shutdown()


@contextmanager
def running(environ: Mapping[str, str], host: str, port: int, log: Path, now: Instant) -> Iterator[Service]:
    """A service that has loaded its catalogue; its clock begins at ``now``."""
    with child([sys.executable, "-m", "serving"], host, port, log, environ) as process:
        process.wait_until_up("/health/live", START_S)
        service = Service(process, host, port, now)
        deadline = time.monotonic() + START_S
        while service.call("GET", "/version", None)["source"] is None:
            if time.monotonic() > deadline:
                raise LoopError(f"the service has no catalogue after {START_S:g} s: see {log}")
            time.sleep(0.2)
        try:
            yield service
        finally:
            service.close()


def stage(module: str, environ: Mapping[str, str], log: Path, may_fail: bool = False) -> str:
    """Run a stage in a process of its own and return what it printed.

    Raises LoopError where it fails, unless it may.
    """
    ran = subprocess.run([sys.executable, "-m", module], env=dict(environ), capture_output=True, text=True, check=False)
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("a") as file:
        file.write(f"── {module}\n{ran.stdout}{ran.stderr}\n")
    if ran.returncode and not may_fail:
        raise LoopError(f"{module} failed: {(ran.stdout + ran.stderr)[-800:]}")
    return ran.stdout or ran.stderr
