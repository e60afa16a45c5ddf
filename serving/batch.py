"""``make batch``: decide for many customers at once, in a process of its own; ``POST /v1/jobs`` starts the same.

``python -m serving.batch --job ID`` runs a job that was asked for, or takes it up where it was. Without ``--job`` it
takes up every job whose process has died, and where there is none, asks for one with the other arguments.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from tqdm import tqdm

from features.clock import Clock, SimulatedClock
from features.domain import ChannelName, CustomerId, DecisionId, Instant
from features.errors import KairosError
from serving.equipment import Equipment
from serving.follow_ups import FollowUpDesk
from serving.identifier import RANDOM_BYTES, uuid7
from serving.jobs import folder as folders
from serving.jobs.decider import Decider
from serving.jobs.folder import Folder, JobError
from serving.jobs.order import Audience, Format, JobId, Order
from serving.jobs.own_capacities import with_own
from serving.jobs.progress import Progress, Stage
from serving.jobs.run import Run
from serving.journal import JournalUnavailableError
from serving.parts import Parts, parts_of
from serving.settings import Settings, read_settings
from serving.staff import Staff, staff_of

PATIENCE_S = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0)
"""How long a job waits for its journal to come back, time after time, before it leaves the rest to another run."""


def run(settings: Settings, job_id: JobId, tell: Callable[[Progress], None]) -> Progress | None:
    """Run a job to its end; None where another process is at it.

    Raises:
        KairosError: It cannot be run, for now or as it is; its progress says so in the latter case.
    """
    folder = folders.find(settings.jobs_dir, job_id)
    with folder.held() as mine:
        if not mine:
            return None
        parts = parts_of(settings)
        try:
            job = _job(folder, parts, settings, tell)
            return _patiently(job)
        except (JobError, ValueError) as error:
            folder.note(replace(folder.progress(), stage=Stage.FAILED, why=str(error), ended_at=parts.clock.now()))
            raise JobError(str(error)) from error
        finally:
            parts.journal.close()


def _job(folder: Folder, parts: Parts, settings: Settings, tell: Callable[[Progress], None]) -> Run:
    order = folder.order()
    parts.watch.refresh()
    _advance(parts.clock, order.at)
    equipment = replace(parts.watch.current, prices={})  # a job solves prices of its own, for its own audience
    if not equipment.pairs:
        raise JobError("; ".join(each.sentence for each in equipment.shortfalls) or "there is nothing to offer")
    equipment = with_own(order, equipment, parts.journal, parts.clock.now())
    decider = _decider(order, parts, staff_of(parts), equipment)
    return Run(folder, decider.means(settings.audiences_dir), parts.clock, settings.seed, tell)


def _decider(order: Order, parts: Parts, staff: Staff, equipment: Equipment) -> Decider:
    def everybody() -> list[CustomerId]:
        return parts.store.customers()

    desk = FollowUpDesk(parts.journal, parts.clock, lambda: equipment, partial(staff.reception.decide, known=True))

    def follow_ups() -> Iterator[DecisionId]:
        cursor, more = None, True
        while more:
            page = desk.hand_out(None, cursor)
            yield from (DecisionId(each.decision.decision_id) for each in page.follow_ups if each.decision is not None)
            cursor, more = page.cursor, page.cursor is not None

    return Decider(order, parts.journal, staff.clerk, staff.reception, follow_ups, everybody, parts.clock, equipment)


def _advance(clock: Clock, at: Instant) -> None:
    """A simulated clock goes on to the instant at which the job was asked for."""
    if isinstance(clock, SimulatedClock):
        clock.advance(max(at - clock.now(), 0))


def _patiently(job: Run) -> Progress:
    for wait in PATIENCE_S:
        try:
            return job()
        except JournalUnavailableError:
            time.sleep(wait)
    return job()


def main(arguments: Sequence[str]) -> int:
    """Run the command: 0 when every job was run to its end, 1 otherwise, 2 for settings that cannot be used."""
    asked = _arguments(arguments)
    try:
        settings = read_settings(os.environ)
        if not parts_of(settings).journal.begun:  # an empty one would know of no objection, no consent and no contact
            raise JournalUnavailableError(
                f"there is no journal {settings.journal_uri}: put it back, or run `make data`"
            )
        if asked.job is not None:
            jobs = [JobId(asked.job)]
        else:
            jobs = folders.unfinished(settings.jobs_dir) or [_order(asked, settings)]
        ended = [_run(settings, job_id) for job_id in jobs]
        return 0 if all(ended) else 1
    except KairosError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


def _run(settings: Settings, job_id: JobId) -> bool:
    with tqdm(unit=" customers", dynamic_ncols=True, disable=None) as bar:

        def tell(progress: Progress) -> None:
            done = progress.scored if progress.stage is Stage.SCORING else progress.decided
            bar.set_description(progress.stage)
            bar.total, bar.n = progress.customers, done
            bar.refresh()

        try:
            progress = run(settings, job_id, tell)
        except KairosError as error:
            print(f"job {job_id}: {error}", file=sys.stderr)
            return False
    if progress is None:
        print(f"job {job_id}: another process is at it")
        return True
    folder = folders.find(settings.jobs_dir, job_id)
    print(
        f"job {job_id}: {progress.decided:,} of {progress.customers:,} customers decided, {progress.offered:,} with an "
        f"offer, {progress.follow_ups:,} follow-ups, {progress.errors:,} rows with errors: {folder.path}"
    )
    return True


def _arguments(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make batch", description=__doc__)
    parser.add_argument("--job", help="a job that was asked for")
    parser.add_argument("--where", help="a condition on profile and features; without it and --file, everybody")
    parser.add_argument("--file", help="a table with a column customer_id (.csv, .ndjson, .parquet)")
    parser.add_argument("--kind", help="the kind of offers")
    parser.add_argument("--channels", help="channels to use, separated by commas")
    parser.add_argument("--capacity", action="append", default=[], metavar="CHANNEL=MOST", help="may be repeated")
    parser.add_argument("--format", choices=[each.value for each in Format], default=Format.PARQUET.value)
    return parser.parse_args(arguments)


def _order(asked: argparse.Namespace, settings: Settings) -> JobId:
    """Ask for a job as the arguments say."""
    parts = parts_of(settings)
    parts.watch.refresh()
    at = parts.clock.now()
    file = None if asked.file is None else str(Path(asked.file).absolute())
    order = Order(
        JobId(uuid7(at, os.urandom(RANDOM_BYTES))),
        at,
        "make batch",
        Audience(file=file, where=asked.where),
        kind=asked.kind,
        channels=None if asked.channels is None else tuple(ChannelName(name) for name in asked.channels.split(",")),
        capacities=dict(_capacity(each) for each in asked.capacity),
        format=Format(asked.format),
    )
    return JobId(Folder.make(settings.jobs_dir, order).path.name)


def _capacity(text: str) -> tuple[ChannelName, int]:
    name, _, most = text.partition("=")
    if not (name and most.isascii() and most.isdigit()):
        raise JobError(f"{text!r} is no capacity: write it like email=5000")
    return ChannelName(name), int(most)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
