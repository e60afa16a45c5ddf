"""The folder of one job: what was asked, how far it has come, and what came of it. Files are replaced as a whole."""

from __future__ import annotations

import dataclasses
import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from features.errors import KairosError
from serving.jobs.order import Audience, JobId, Order
from serving.jobs.progress import ENDED, Progress

PATIENCE_S = 0.5
"""How long a process tries to get a job."""


class JobError(KairosError):
    """A job that cannot be run or found."""


class Folder:
    """One job on disk. ``order.json`` is written once; whoever holds ``lock`` runs the job."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.audience = path / "audience.ndjson"
        self.errors = path / "errors.ndjson"
        self.scores = path / "scores.f32"
        self.prices = path / "prices.json"
        self.basis = path / "scores.txt"
        self.places = path / "places.npy"
        self.followed = path / "followed.txt"
        self.log = path / "log.txt"
        self.manifest = path / "manifest.json"
        self._order = path / "order.json"
        self._progress = path / "progress.json"
        self._lock = path / "lock"
        self._process = path / "process"

    @staticmethod
    def make(jobs: Path, order: Order) -> Folder:
        """The folder of a new job, which is then waiting."""
        folder = Folder(jobs / order.job_id)
        folder.path.mkdir(parents=True)
        folder.note(Progress())
        ids = order.audience.customer_ids
        if ids is not None:
            # Customers stand in files of rows only, where erasure looks for them.
            given = folder.path / "ids.ndjson"
            replace(given, "".join(f"{json.dumps(each)}\n" for each in ids))
            order = dataclasses.replace(order, audience=Audience(file=str(given.absolute())))
        replace(folder._order, order.to_json())
        return folder

    def order(self) -> Order:
        """What was asked."""
        return Order.from_json(self._order.read_text(encoding="utf-8"))

    def progress(self) -> Progress:
        """How far it has come."""
        return Progress.from_json(self._progress.read_text(encoding="utf-8"))

    def note(self, progress: Progress) -> None:
        """Record how far it has come."""
        replace(self._progress, progress.to_json())

    @property
    def ended(self) -> bool:
        """True where nothing is left to do."""
        return self.progress().stage in ENDED

    @contextmanager
    def held(self) -> Iterator[bool]:
        """True where the job is now this process's to run, and nobody else's until the end of the block.

        The lock goes with the process, however it dies.
        """
        with self._lock.open("w") as lock:
            yield _locked(lock, PATIENCE_S)

    @contextmanager
    def process(self) -> Iterator[int]:
        """A file descriptor for a process that is to run the job: while that one has it open, it ``lives``."""
        with self._process.open("w") as lock:
            _locked(lock, PATIENCE_S)
            yield lock.fileno()

    @property
    def runs(self) -> bool:
        """True while a process is at it."""
        return _taken(self._lock)

    @property
    def lives(self) -> bool:
        """True while a process that was started for it is there, be it at it already or not."""
        return self.runs or _taken(self._process)


def _locked(file: TextIO, patience_s: float) -> bool:
    """True where the lock could be had; whoever only looks has it for a moment, too."""
    tried_until = time.monotonic() + patience_s
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            if time.monotonic() >= tried_until:
                return False
            time.sleep(0.02)
        else:
            return True


def _taken(path: Path) -> bool:
    if not path.exists():
        return False
    with path.open("w") as file:
        return not _locked(file, 0.0)


def find(jobs: Path, job_id: str) -> Folder:
    """The folder of a job.

    Raises:
        JobError: There is no such job.
    """
    # Only what is listed is opened: an id is no path.
    if job_id not in {folder.path.name for folder in every(jobs)}:
        raise JobError(f"there is no job {job_id!r}")
    return Folder(jobs / job_id)


def every(jobs: Path) -> list[Folder]:
    """Every job, the oldest first."""
    return [Folder(order.parent) for order in sorted(jobs.glob("*/order.json"))]


def unfinished(jobs: Path) -> list[JobId]:
    """Jobs that have not ended and that no process is at, the oldest first."""
    return [JobId(each.path.name) for each in every(jobs) if not each.ended and not each.lives]


@contextmanager
def alone(jobs: Path) -> Iterator[None]:
    """Only one process at a time takes orders."""
    jobs.mkdir(parents=True, exist_ok=True)
    with (jobs / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def replace(file: Path, text: str) -> None:
    """Write a file so that whoever reads it finds all of the old or all of the new, whatever dies."""
    fresh = file.with_name(f".{file.name}.{os.getpid()}")
    with fresh.open("w", encoding="utf-8") as opened:
        opened.write(text)
        opened.flush()
        os.fsync(opened.fileno())
    fresh.replace(file)
