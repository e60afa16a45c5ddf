"""The way of a job over decisions that are only pretended; the real ones are in test_jobs."""

import csv
import hashlib
import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest

from features.catalogue import Catalogue
from features.clock import SimulatedClock
from features.domain import CustomerId, DecisionId, Instant, OfferId
from serving import job_api as api
from serving.equipment import Equipment
from serving.jobs import folder as folders
from serving.jobs.audience import flaws
from serving.jobs.folder import Folder, JobError
from serving.jobs.means import Means
from serving.jobs.office import Office
from serving.jobs.order import Audience, Format, JobId, Order
from serving.jobs.progress import Progress, Stage
from serving.jobs.results import write_csv, write_ndjson
from serving.jobs.rows import lines
from serving.jobs.run import Run
from serving.jobs.scarcity import Worth
from serving.jobs.tables import customers, write
from serving.journal.errors import ErasedMeanwhileError
from serving.problem import RefusalError
from training.erasure import Erased, erase_files

EVERYBODY = Audience()


class Died(BaseException):
    """Stands for the end of the process."""


@dataclass
class Pretended:
    """Decides by a given worth of each customer's one offer, as long as there is any left."""

    equipment: Equipment
    worth: dict[str, float]
    dies_at: int = -1
    stock: float = np.inf
    made: dict[DecisionId, str] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    rehearsed: list[str] = field(default_factory=list)
    erasures: int = 0
    erases: Callable[[str], bool] | None = None
    """Erases somebody before a customer is decided for, or not."""

    def decide(self, customer_id: CustomerId, decision_id: DecisionId, equipment: Equipment, erasures: int) -> None:
        if self.erases is not None and self.erases(customer_id):
            self.erasures += 1
        if erasures != self.erasures:
            raise ErasedMeanwhileError("somebody was erased")
        if len(self.calls) == self.dies_at:
            self.dies_at = -1
            raise Died
        self.calls.append(customer_id)
        if customer_id == "odd":
            raise RefusalError(422, "refused", "This one is odd.")
        worth = self.worth.get(customer_id, 0.0)
        net = worth - sum(equipment.prices.values())
        items = []
        if net > 0 and self.stock > 0:
            self.stock -= 1
            items = [{"rank": 1, "offer_id": "promo", "channel": "app", "probability": 1.0, "score_minor": net}]
        answer = {"customer_id": customer_id, "decision_id": decision_id, "items": items}
        self.made[decision_id] = json.dumps({**answer, "silence": {"reason": "Nothing is worth it."}})

    def rehearse(self, customer_id: CustomerId, equipment: Equipment) -> Sequence[Worth]:
        if len(self.rehearsed) == self.dies_at:
            self.dies_at = -1
            raise Died
        self.rehearsed.append(customer_id)
        pair = next(pair for pair in equipment.pairs if pair.offer.stock is not None)
        return [(pair, Instant(0), self.worth.get(customer_id, 0.0))]

    def means(self, files: Path) -> Means:
        return Means(
            equipment=self.equipment,
            files=files,
            table=customers,
            everybody=lambda: [CustomerId(each) for each in sorted(self.worth)],
            whose=lambda each: None if each == "e@mail" else CustomerId(each.removeprefix("was-")),
            wanted=lambda each: not each.startswith("not-"),
            taken=lambda _: {},
            rehearse=self.rehearse,
            erasures=lambda: self.erasures,
            decide=self.decide,
            follow=list,
            answers=lambda ids: {each: self.made[each] for each in ids if each in self.made},
            write={Format.PARQUET: write, Format.CSV: write_csv, Format.NDJSON: write_ndjson},
        )


@pytest.fixture
def pretended(equipment: Callable[..., Equipment]) -> Callable[..., Pretended]:
    return lambda **given: Pretended(equipment(None), {f"c{n:03d}": float(n) for n in range(250)}, **given)


@pytest.fixture
def run(tmp_path: Path, now: Instant) -> Callable[..., Run]:
    def make(pretended: Pretended, given: Audience = EVERYBODY, **more: object) -> Run:
        order = Order(JobId("job-1"), now, "test", given, **{"format": Format.CSV, **more})  # type: ignore[arg-type]
        folder = Folder(tmp_path / "jobs" / "job-1")
        if not folder.path.exists():
            folder = Folder.make(tmp_path / "jobs", order)
        return Run(folder, pretended.means(tmp_path), SimulatedClock(now), seed=7)

    return make


def written(folder: Folder) -> list[dict[str, str]]:
    with (folder.path / "results.csv").open(newline="") as opened:
        return list(csv.DictReader(opened))


def test_everybody_is_decided_for_once_and_the_manifest_tells_what_was_written(
    pretended: Callable[..., Pretended], run: Callable[..., Run]
) -> None:
    office = pretended()
    job = run(office)
    progress = job()
    assert (progress.stage, progress.customers, progress.decided, progress.offered) == (Stage.DONE, 250, 250, 249)
    assert sorted(office.calls) == sorted(office.worth)
    rows = written(job.folder)
    assert [row["customer_id"] for row in rows] == sorted(office.worth)
    assert rows[0]["silence"] == "Nothing is worth it."
    told = json.loads(job.folder.manifest.read_text())
    for each in told["files"]:
        file = job.folder.path / each["name"]
        assert hashlib.sha256(file.read_bytes()).hexdigest() == each["sha256"]
    assert told["files"][0]["rows"] == len(rows)
    assert job() == progress, "a job that is done is not done again"


@pytest.mark.parametrize("dies_at", [0, 1, 99, 100, 101, 249])
def test_a_job_that_died_goes_on_where_it_was(
    pretended: Callable[..., Pretended], run: Callable[..., Run], dies_at: int
) -> None:
    office = pretended(dies_at=dies_at)
    job = run(office)
    with pytest.raises(Died):
        job()
    assert job.folder.progress().stage is Stage.DECIDING
    progress = job()
    assert (progress.decided, progress.restarts) == (250, 1)
    assert len(office.calls) == len(set(office.calls)) == 250
    assert len(written(job.folder)) == 250


def test_rows_that_mean_nobody_go_into_the_file_of_errors(
    pretended: Callable[..., Pretended], run: Callable[..., Run]
) -> None:
    ids = ("c001", " c002 ", "", "x" * 200, "e@mail", "was-c001", "odd", "not-wanted")
    job = run(pretended(), Audience(customer_ids=ids))
    progress = job()
    assert (progress.customers, progress.decided, progress.errors) == (3, 2, 5)
    assert [(flaw.number, flaw.code) for flaw in flaws(job.folder)] == [
        (3, "no_customer"),
        (4, "wrong_customer"),
        (5, "wrong_customer"),
        (6, "duplicate"),
        (7, "refused"),
    ]
    assert [(row["row"], row["customer_id"]) for row in written(job.folder)] == [("1", "c001"), ("2", "c002")]


@pytest.mark.parametrize("ending", ["csv", "ndjson", "parquet"])
def test_an_audience_comes_as_a_file_and_the_results_go_as_one(
    pretended: Callable[..., Pretended], run: Callable[..., Run], tmp_path: Path, ending: str
) -> None:
    rows = [
        {"customer_id": "c007", "note": "a,b"},
        {"customer_id": None, "note": ""},
        {"customer_id": "c008", "note": "ü"},
    ]
    file = tmp_path / f"autumn.{ending}"
    {"csv": write_csv, "ndjson": write_ndjson, "parquet": write}[ending](file, rows, {"customer_id": str, "note": str})
    job = run(pretended(), Audience(file=file.name), format=Format(ending))
    progress = job()
    assert (progress.decided, progress.errors) == (2, 1)
    results = job.folder.path / f"results.{ending}"
    found = customers(results) if ending == "parquet" else lines(results)
    assert list(found) == [(1, "c007"), (2, "c008")]


def test_a_file_that_is_no_table_ends_the_job_with_the_remedy(
    pretended: Callable[..., Pretended], run: Callable[..., Run], tmp_path: Path
) -> None:
    (tmp_path / "wrong.csv").write_text("id\n1\n")
    with pytest.raises(JobError, match="no column customer_id"):
        run(pretended(), Audience(file="wrong.csv"))()


def scarce(office: Pretended, shop: Catalogue, stock: int) -> None:
    offers = (replace(shop.offer[OfferId("promo-milk")], stock=stock), *shop.offers[1:3])
    office.equipment = replace(office.equipment, catalogue=replace(shop, offers=offers))
    office.stock = stock


@pytest.mark.parametrize("dies_at", [-1, 0, 120])
def test_what_is_scarce_goes_to_those_to_whom_it_is_worth_most(
    pretended: Callable[..., Pretended], run: Callable[..., Run], shop: Catalogue, dies_at: int
) -> None:
    office = pretended(dies_at=dies_at)
    scarce(office, shop, 20)
    job = run(office)
    if dies_at >= 0:
        with pytest.raises(Died):
            job()
        assert job.folder.progress().stage is Stage.SCORING
    progress = job()
    offered = [row["customer_id"] for row in written(job.folder) if row["offer_id"]]
    assert offered == [f"c{n:03d}" for n in range(230, 250)]
    assert progress.scored == progress.decided == 250
    assert len(office.rehearsed) <= 250 + 100, "what was scored before the end is not scored again"
    told = json.loads(job.folder.manifest.read_text())["scarcity"]
    assert told["gap"] <= 0.005
    assert list(told["prices"]) == ["stock:promo-milk"]


def test_whoever_is_erased_while_a_job_runs_is_neither_decided_for_nor_written_down(
    pretended: Callable[..., Pretended], run: Callable[..., Run]
) -> None:
    office = pretended(dies_at=150)
    job = run(office)
    with pytest.raises(Died):
        job()
    kept = [line for line in job.folder.audience.read_text().splitlines() if '"c200"' not in line]
    job.folder.audience.write_text("\n".join(kept) + "\n")
    assert job().decided == 249
    assert "c200" not in office.calls


def test_whoever_is_erased_between_two_decisions_of_a_job_is_not_decided_for(
    pretended: Callable[..., Pretended], run: Callable[..., Run]
) -> None:
    office = pretended()
    job = run(office)
    gone = set[str]()

    def erases(customer_id: str) -> bool:
        """The next one goes as soon as it is this one's turn."""
        lines = job.folder.audience.read_text().splitlines()
        after = f"c{int(customer_id[1:]) + 1:03d}"
        if int(customer_id[1:]) % 50 or after in gone:
            return False
        gone.add(after)
        job.folder.audience.write_text("\n".join(line for line in lines if f'"{after}"' not in line) + "\n")
        return True

    office.erases = erases
    assert job().decided == 245
    assert len(gone) == 5
    assert gone.isdisjoint(office.calls)
    assert len(set(office.calls)) == len(office.calls) == 245


@pytest.mark.parametrize("form", list(Format))
def test_erasure_takes_a_customer_out_of_every_file_of_a_job_and_renews_its_digests(
    pretended: Callable[..., Pretended], run: Callable[..., Run], tmp_path: Path, form: Format
) -> None:
    job = run(pretended(), Audience(customer_ids=("c101", "c102", "odd")), format=form)
    job()
    erased = Erased(frozenset({CustomerId("c101"), CustomerId("odd")}))
    assert erase_files(tmp_path, erased) == 2 + 2 + 1 + 1
    told = json.loads(job.folder.manifest.read_text())["files"]
    assert [each["rows"] for each in told] == [1, 0]
    for each in told:
        assert hashlib.sha256((job.folder.path / each["name"]).read_bytes()).hexdigest() == each["sha256"]
    found = b"".join(file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())
    assert b"c101" not in found
    assert b"odd" not in found
    assert (b"c102" in found) or form is Format.PARQUET


def test_one_process_at_a_time_has_a_job(pretended: Callable[..., Pretended], run: Callable[..., Run]) -> None:
    job = run(pretended())
    jobs = job.folder.path.parent
    assert folders.unfinished(jobs) == ["job-1"]
    with job.folder.held() as mine:
        assert mine
        assert job.folder.runs
        assert folders.unfinished(jobs) == []
    job()
    assert folders.unfinished(jobs) == []


def test_a_job_tells_whether_its_process_starts_runs_or_has_died(
    equipment: Callable[..., Equipment], tmp_path: Path, now: Instant
) -> None:
    shop, living = equipment(None), ExitStack()

    def launched(_: JobId, log: Path) -> None:
        living.enter_context(Folder(log.parent).process())

    office = Office(tmp_path / "jobs", tmp_path, SimulatedClock(now), lambda: shop, launched)
    job = office.take(api.JobRequest.model_validate({"audience": {"where": "True"}}), "shop")
    assert job.state == "starting"
    folder = Folder(tmp_path / "jobs" / job.job_id)
    with living:
        with folder.held():
            assert office.job(job.job_id).state == "running"
        assert folders.unfinished(tmp_path / "jobs") == []
    died = office.job(job.job_id)
    assert died.state == "failed"
    assert "/resume" in str(died.why)
    assert folders.unfinished(tmp_path / "jobs") == [job.job_id]
    folder.note(Progress(Stage.FAILED, why="no such column"))
    assert office.job(job.job_id).why == "no such column"
    with living:
        assert office.resume(job.job_id).state == "starting"
    folder.note(Progress(Stage.DONE))
    assert office.job(job.job_id).state == "done"


def test_only_what_is_a_job_is_found_as_one(tmp_path: Path, now: Instant) -> None:
    jobs = tmp_path / "jobs"
    Folder.make(jobs, Order(JobId("job-1"), now, "test", Audience()))
    assert folders.find(jobs, "job-1").order().by == "test"
    for wrong in ("job-2", "..", "../jobs/job-1", ""):
        with pytest.raises(JobError, match="no job"):
            folders.find(jobs, wrong)


def test_an_order_that_comes_twice_at_once_under_one_key_is_one_job(
    equipment: Callable[..., Equipment], tmp_path: Path, now: Instant
) -> None:
    launched: list[str] = []
    shop = equipment(None)
    office = Office(
        tmp_path / "jobs", tmp_path, SimulatedClock(now), lambda: shop, lambda job_id, _: launched.append(job_id)
    )
    request = api.JobRequest.model_validate({"audience": {"where": "True"}})
    with ThreadPoolExecutor(8) as pool:
        jobs = list(pool.map(lambda _: office.take(request, "shop", "autumn").job_id, range(8)))
    assert set(jobs) == set(launched)
    assert len(launched) == 1
    assert office.take(request, "other", "autumn").job_id not in jobs
