"""A server run as a child process: started, awaited, asked, and ended with its parent, however that ends."""

from __future__ import annotations

import ctypes
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen

from features.errors import KairosError

PR_SET_PDEATHSIG = 1
"""prctl(2): which signal a process gets when its parent ends."""


class ServerError(KairosError):
    """A server that could not be started."""


class Child:
    """A running server and its address, such as ``http://127.0.0.1:8000``."""

    def __init__(self, process: subprocess.Popen[bytes], address: str, log: Path) -> None:
        self.address = address
        self._process = process
        self._log = log

    @property
    def pid(self) -> int:
        """The process."""
        return self._process.pid

    def wait_until_up(self, path: str, timeout_s: float) -> None:
        """Return once a GET of the path answers 200. Raises ServerError when the server ends or stays silent."""
        deadline = time.monotonic() + timeout_s
        while not self._is_up(path):
            if self._process.poll() is not None:
                raise ServerError(f"the server of {self.address} has ended: {self._log} says why")
            if time.monotonic() > deadline:
                raise ServerError(f"{self.address}{path} did not answer within {timeout_s:g} s: see {self._log}")
            time.sleep(0.1)

    def _is_up(self, path: str) -> bool:
        try:
            with urlopen(self.address + path, timeout=5):
                return True
        except (URLError, ConnectionError, TimeoutError):
            return False

    def post(self, path: str, body: Mapping[str, object]) -> Any:
        """The JSON answer to a JSON body. Raises urllib's HTTPError for a status from 400 on."""
        headers = {"Content-Type": "application/json"}
        with urlopen(Request(self.address + path, json.dumps(body).encode(), headers), timeout=30) as answer:
            return json.load(answer)

    def wait(self) -> int:
        """Wait until the server ends by itself and return its exit code."""
        return self._process.wait()


@contextmanager
def child(
    command: Sequence[str], host: str, port: int, log: Path, environ: Mapping[str, str] | None = None
) -> Iterator[Child]:
    """A server listening on ``host:port``, its output in ``log``, ended on leaving. ServerError for a taken port.

    To be left in the thread that entered it: on Linux the server ends with that thread, too.
    """
    _refuse_taken(host, port)
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as output:
        # A session of its own: Ctrl-C reaches the parent alone, which then ends the child in order.
        process = subprocess.Popen(
            command, env=environ, stdout=output, stderr=output, start_new_session=True, preexec_fn=_with_parent()
        )
    try:
        yield Child(process, f"http://{host}:{port}", log)
    finally:
        _end(process)


def _with_parent() -> Callable[[], object] | None:
    """What a process does before it becomes the server, so that it ends even where its parent is killed."""
    if sys.platform != "linux":
        return None
    prctl, parent = ctypes.CDLL(None).prctl, os.getpid()  # looked up here: after the fork locks may be held for ever

    def ask() -> None:
        prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:  # it has ended meanwhile
            os._exit(1)

    return ask


def _refuse_taken(host: str, port: int) -> None:
    try:
        socket.create_server((host, port)).close()
    except OSError as error:
        raise ServerError(
            f"{host}:{port} cannot be used ({error.strerror}): end what listens there or set another port"
        ) from error


def _end(process: subprocess.Popen[bytes]) -> None:
    _signal(process, signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        process.wait(timeout=15)
    _signal(process, signal.SIGKILL)
    process.wait()


def _signal(process: subprocess.Popen[bytes], what: signal.Signals) -> None:
    """To the server and to what it has started: all of its session, of which its own id is the group."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, what)
