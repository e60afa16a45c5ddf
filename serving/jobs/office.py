"""Takes orders for jobs, has them run by another process, and tells how far they have come."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Literal

from features.clock import Clock
from features.domain import ChannelName, Instant, OfferId
from features.instant import format_instant
from serving import job_api as api
from serving.equipment import Equipment
from serving.facts import CUSTOMER_NAMES
from serving.identifier import RANDOM_BYTES, uuid7
from serving.jobs import folder as folders
from serving.jobs import manifest
from serving.jobs.folder import Folder, JobError
from serving.jobs.order import Audience, Format, JobId, Order
from serving.jobs.progress import ENDED, Stage
from serving.predicate import PredicateError, compile
from serving.problem import Fault, RefusalError

State = Literal["starting", "running", "done", "failed"]
DIED = "Its process has died: POST /v1/jobs/{job_id}/resume takes it up where it was."


@dataclass(frozen=True)
class Office:
    """The jobs of one service."""

    jobs: Path | None
    """The folder of jobs; None where the service runs none."""
    audiences: Path
    """The folder that files of audiences lie in."""
    clock: Clock
    equipment: Callable[[], Equipment]
    launch: Callable[[JobId, Path], None]
    """Starts the process of a job, whose words go into a file."""

    def take(self, request: api.JobRequest, by: str, key: str | None = None) -> api.Job:
        """Take an order and start its job; one that comes again under the same key is the job that it was.

        Raises:
            RefusalError: 422 where it names what there is not, 503 where the service runs no jobs.
        """
        jobs = self._folder()
        faults = list(self._faults(request))
        if faults:
            raise RefusalError(422, "unknown_name", f"The job cannot be run: {faults[0].detail}.", *faults)
        once = None if key is None else sha256(f"{by}\x1f{key}".encode()).hexdigest()
        with folders.alone(jobs):
            before = None if once is None else next((f for f in folders.every(jobs) if f.order().once == once), None)
            folder = before or Folder.make(jobs, self._order(request, by, once))
        if before is None:
            self.launch(folder.order().job_id, folder.log)
        return self._told(folder)

    def job(self, job_id: str) -> api.Job:
        """A job as it stands.

        Raises:
            RefusalError: 404 where there is none of this id.
        """
        return self._told(self._find(job_id))

    def resume(self, job_id: str) -> api.Job:
        """Start a job again whose process has died; any other job is left alone.

        Raises:
            RefusalError: 404 where there is none of this id.
        """
        folder = self._find(job_id)
        progress = folder.progress()
        if progress.stage is not Stage.DONE and not folder.lives:
            if progress.stage is Stage.FAILED:
                folder.note(replace(progress, stage=Stage.WAITING, why="", ended_at=None))
            self.launch(JobId(job_id), folder.log)
        return self._told(folder)

    def resume_all(self) -> None:
        """Start every job again whose process has died."""
        if self.jobs is not None:
            for job_id in folders.unfinished(self.jobs):
                self.launch(job_id, Folder(self.jobs / job_id).log)

    def file(self, job_id: str, name: str) -> Path:
        """A file that a job wrote.

        Raises:
            RefusalError: 404 where there is none.
        """
        folder = self._find(job_id)
        # Only what the manifest lists is opened: a name is no path.
        if name not in {each.name for each in _files(folder)}:
            raise RefusalError(404, "file_not_found", f"Job {job_id} wrote no file {name!r}: its answer lists them.")
        return folder.path / name

    def _folder(self) -> Path:
        if self.jobs is None:
            raise RefusalError(409, "no_jobs", "This service runs no jobs: it has no folder for them.")
        return self.jobs

    def _find(self, job_id: str) -> Folder:
        try:
            return folders.find(self._folder(), job_id)
        except JobError as error:
            raise RefusalError(404, "job_not_found", f"{error}.".capitalize()) from None

    def _faults(self, request: api.JobRequest) -> Iterator[Fault]:
        catalogue = self.equipment().catalogue
        if request.kind is not None and request.kind not in catalogue.kinds:
            yield Fault(
                pointer="/kind", detail=f"no offer is of kind {request.kind!r}: use {', '.join(catalogue.kinds)}"
            )
        if request.offer_id is not None and request.offer_id not in catalogue.offer:
            yield Fault(pointer="/offer_id", detail=f"there is no offer {request.offer_id!r}")
        named = [(f"/channels/{place}", name) for place, name in enumerate(request.channels or ())]
        named += [(f"/capacities/{name}", name) for name in request.capacities or ()]
        for pointer, name in named:
            if name not in catalogue.channel:
                known = ", ".join(catalogue.channel)
                yield Fault(pointer=pointer, detail=f"there is no channel {name!r}: use some of {known}")
        yield from self._faults_of(request.audience)

    def _faults_of(self, audience: api.Audience) -> Iterator[Fault]:
        if audience.where is not None:
            try:
                compile(audience.where, CUSTOMER_NAMES)
            except PredicateError as error:
                yield Fault(pointer="/audience/where", detail=str(error))
        if audience.file is not None and not (self.audiences / audience.file).is_file():
            detail = f"there is no file {audience.file!r} in the folder of audiences, {self.audiences}"
            yield Fault(pointer="/audience/file", detail=detail)

    def _order(self, request: api.JobRequest, by: str, once: str | None) -> Order:
        at, given = self.clock.now(), request.audience
        return Order(
            JobId(uuid7(at, os.urandom(RANDOM_BYTES))),
            at,
            by,
            Audience(None if given.customer_ids is None else tuple(given.customer_ids), given.file, given.where),
            request.kind,
            None if request.offer_id is None else OfferId(request.offer_id),
            None if request.channels is None else tuple(ChannelName(name) for name in request.channels),
            request.limit,
            request.contacts,
            request.context or {},
            {ChannelName(name): most for name, most in (request.capacities or {}).items()},
            request.follow_ups,
            Format(request.format),
            once,
        )

    def _told(self, folder: Folder) -> api.Job:
        runs, lives, order, progress = folder.runs, folder.lives, folder.order(), folder.progress()
        state = _state(runs, lives, progress.stage)
        scarcity = json.loads(folder.prices.read_text()) if folder.prices.exists() else None
        return api.Job(
            job_id=order.job_id,
            stage=progress.stage.value,
            state=state,
            asked_at=format_instant(order.at),
            begun_at=_instant(progress.begun_at),
            ended_at=_instant(progress.ended_at),
            customers=progress.customers,
            scored=progress.scored,
            decided=progress.decided,
            offered=progress.offered,
            follow_ups=progress.follow_ups,
            errors=progress.errors,
            restarts=progress.restarts,
            why=progress.why or (DIED if state == "failed" else None),
            scarcity=None
            if scarcity is None
            else api.Scarcity(prices=scarcity["prices"], gap=max(scarcity["gap"], 0.0)),
            files=_files(folder),
        )


def _state(runs: bool, lives: bool, stage: Stage) -> State:
    """``stage`` is to be read last, or a job that ends meanwhile would look as if it had died."""
    if stage in ENDED:
        return "done" if stage is Stage.DONE else "failed"
    return "running" if runs else "starting" if lives else "failed"


def _files(folder: Folder) -> list[api.JobFile]:
    return [api.JobFile(**each) for each in (manifest.read(folder.manifest) or {"files": []})["files"]]


def _instant(at: Instant | None) -> str | None:
    return None if at is None else format_instant(at)
