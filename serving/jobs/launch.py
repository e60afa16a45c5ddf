"""Starts the process of a job. It is another process than the one that serves, and outlives it."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path

from features.domain import Instant
from features.instant import format_instant
from serving.jobs.folder import Folder
from serving.jobs.order import JobId

MODULE = "serving.batch"
PRICES = "serving.prices"
SHADOW = "serving.shadow"
Start = Callable[[], AbstractContextManager[None]]
"""What this thread starts meanwhile may run on every core."""


def launch(job_id: JobId, log: Path, settings: Mapping[str, str], anywhere: Start) -> None:
    """Start it with these settings, as variables; what it has to say goes into the log."""
    with log.open("ab") as opened, Folder(log.parent).process() as alive, anywhere():
        child = subprocess.Popen(
            [sys.executable, "-m", MODULE, "--job", job_id],
            stdin=subprocess.DEVNULL,
            stdout=opened,
            stderr=opened,
            env={**os.environ, **settings},
            start_new_session=True,
            pass_fds=(alive,),
        )
    # Somebody has to take note of its end, or it stays in the table of processes for as long as this one lives.
    threading.Thread(target=child.wait, name=f"job-{job_id}", daemon=True).start()


def launch_prices(at: Instant, log: Path, settings: Mapping[str, str], anywhere: Start) -> Callable[[], bool]:
    """Have prices solved as of an instant by another process; what this gives says whether it has ended."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as opened, anywhere():
        child = subprocess.Popen(
            [sys.executable, "-m", PRICES, "--at", format_instant(at)],
            stdin=subprocess.DEVNULL,
            stdout=opened,
            stderr=opened,
            env={**os.environ, **settings},
        )
    return lambda: child.poll() is not None


def launch_shadow(log: Path, settings: Mapping[str, str], anywhere: Start) -> subprocess.Popen[bytes]:
    """Start the process in which a challenger makes live decisions again."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as opened, anywhere():
        return subprocess.Popen(
            [sys.executable, "-m", SHADOW],
            stdin=subprocess.DEVNULL,
            stdout=opened,
            stderr=opened,
            env={**os.environ, **settings},
        )
