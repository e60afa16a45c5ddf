"""Thirty days from a cold start: decide, send, report, retrain through the gate, decide on."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from features.domain import DAY, HOUR, Instant
from features.instant import format_instant
from serving.settings import Settings, variables
from training.judge.loop.news import News
from training.judge.loop.rivals import opened
from training.judge.loop.sender import SLICE, Sender
from training.judge.loop.service import Service, running, stage
from training.world.contract import BEGIN, offer_table, write
from training.world.market import Market
from training.world.oracle import earned
from training.world.parameters import Inside, Parameters
from training.world.play import best_of_day, losses
from training.world.randomised import asks

QUIET_DAYS = 30
"""Days of purchases and visits that are known when the service begins."""
WEEK_H = 168
PER_ROOT = 0.01
"""So little that what may be given up decides how sharply the better is preferred."""
COMPLAINT_MINOR = 500.0
"""What the business reckons for answering one; the market itself charges nothing for it."""
STAGES = ("training.import_data", "training.materialise", "training.train")


@dataclass(frozen=True, slots=True)
class Plan:
    """How long, how many, and when is learnt."""

    inside: Inside
    seed: int
    customers: int = 5_000
    decisions: int = 2_500
    """A day."""
    days: int = 30
    retrained: tuple[int, ...] = (8, 15, 22)
    """Days on whose morning is learnt; the first when the shortest windows have begun to end."""
    control: tuple[float, ...] = (0.49, 0.03, 0.03, 0.03)
    """Share of customers to whom nothing is said, before the first retraining and after each: careless contacts are
    dear, and without a model nothing better is known than some of them."""
    random: tuple[float, ...] = (0.5, 0.02, 0.02, 0.02)
    """Share of customers for whom is chosen evenly, likewise."""
    given_up: tuple[float, ...] = (0.0, 0.1, 0.1, 0.02)
    """Share of the modelled value that the learnt choice may give up for alternatives nearly as good, likewise."""
    careful: int = 2
    """Contacts a week with one customer before anything is learnt: so many that what they wear out shows."""

    @property
    def parameters(self) -> Parameters:
        """The market's."""
        return Parameters(self.inside, customers=self.customers, days=QUIET_DAYS + self.days)

    def policy(self, phase: int) -> dict[str, object]:
        """The document in force after so many retrainings."""
        most = self.parameters.cap_per_week if phase else min(self.careful, self.parameters.cap_per_week)
        share = self.given_up[min(phase, len(self.given_up) - 1)]
        return {
            "caps": [{"name": "a week", "per": "all", "most": most, "window": {"hours": WEEK_H}}],
            "horizon_hours": 0,
            "reservation_minutes": 60.0 * (SLICE / HOUR + 1.0),
            "losses": {"leaving_minor": self.parameters.optout_cost_minor, "complaint_minor": COMPLAINT_MINOR},
            "exploration": {
                "control": self.control[min(phase, len(self.control) - 1)],
                "random": self.random[min(phase, len(self.random) - 1)],
                "floor": 0.01,
                "per_root": PER_ROOT if share else 0.0,
                "share": share,
            },
        }


@dataclass(slots=True)
class Scored:
    """A day by the truth."""

    day: int
    value: float
    oracle: float
    """Of the best with the same customers as they were left."""
    contacts: int
    decisions: int
    opted_out: int
    complained: int
    refused: int
    """Messages that the market did not allow."""
    model: str
    """That decided most; the empty text: none."""


@dataclass(slots=True)
class Gate:
    """What a retraining came to."""

    day: int
    promoted: bool
    said: str
    attention: Mapping[str, object] | None
    """What was learnt of patience."""


@dataclass(slots=True)
class Course:
    """Everything that happened."""

    plan: Plan
    days: list[Scored] = field(default_factory=list)
    gates: list[Gate] = field(default_factory=list)


def run(settings: Settings, course: Course, folder: Path, tell: Callable[[str], None]) -> None:
    """Play the course in a data folder of its own; what has happened so far stands in it all the while."""
    shutil.rmtree(folder, ignore_errors=True)
    plan = course.plan
    market = opened(plan.parameters, plan.seed, QUIET_DAYS)
    tables = folder / "market"
    write(market, tables)
    (tables / "decisions.parquet").unlink()
    news = News(market)
    news.due(_morning(market.day + 1))  # they stand in the tables
    log = folder / "logs" / "stages.log"
    for module in STAGES[:2]:
        stage(module, _environ(settings, folder, "files", _morning(market.day + 1)), log)
    source = "files"
    bounds = [*(day for day in plan.retrained if day < plan.days), plan.days]
    known, now = len(offer_table(market)), _morning(market.day + 1)
    for phase, until in enumerate(bounds):
        environ = _environ(settings, folder, source, now)
        serving = folder / "logs" / f"serving-{phase}.log"
        with running(environ, settings.host, settings.port, serving, now) as service:
            service.call("PUT", "/v1/policy", plan.policy(phase), {"If-Match": "*"})
            sender = Sender(market, service, news)
            while market.day + 1 - QUIET_DAYS < until:
                course.days.append(_day(plan, market, service, sender, known))
                known = len(offer_table(market))
                tell(_line(course.days[-1]))
            sender.told(_morning(market.day + 1))
            # The evening of the west is the next morning elsewhere.
            now = service.now
        if until < plan.days:
            course.gates.append(_learn(settings, folder, now, until, log))
            source = "journal"
            tell(f"day {until}: {course.gates[-1].said}")


def _day(plan: Plan, market: Market, service: Service, sender: Sender, known: int) -> Scored:
    market.morning()
    for offer in offer_table(market).slice(known).to_pylist():
        document = {name: value for name, value in offer.items() if name not in ("offer_id", "valid_from")}
        service.call("PUT", f"/v1/offers/{offer['offer_id']}", document, {"If-None-Match": "*"})
    customers, hour = asks(market, plan.decisions)
    truth, before = market.truth(customers, hour), losses(market)
    sender.answers.clear()
    sent = sender.day(customers, hour, truth)
    left, complained = (after - was for after, was in zip(losses(market), before, strict=True))
    return Scored(
        day=market.day - QUIET_DAYS,
        value=float(earned(truth.value, sent.offer, sent.channel).sum()),
        oracle=float(earned(truth.value, *best_of_day(market, truth)).sum()),
        contacts=int((sent.offer >= 0).sum()),
        decisions=len(customers),
        opted_out=left,
        complained=complained,
        refused=sent.refused,
        model=max(sender.answers, key=lambda version: sender.answers[version]),
    )


def _learn(settings: Settings, folder: Path, now: Instant, day: int, log: Path) -> Gate:
    """Retrain on the journal, and let the gate decide."""
    environ = _environ(settings, folder, "journal", now)
    for module in STAGES[:2]:
        stage(module, environ, log)
    before = _models(folder)
    said = stage("training.train", environ, log, may_fail=True)
    models = _models(folder)
    if models == before:
        return Gate(day, False, said.strip().rpartition("\n")[2], None)
    said = stage("training.promote", environ, log, may_fail=True)
    newest = json.loads(max(models, key=lambda file: file.stat().st_mtime_ns).read_text())
    lines = said.strip().splitlines()
    last = lines[-1] if lines else "the gate said nothing"
    return Gate(day, last.startswith("Yes"), last, newest.get("attention"))


def _models(folder: Path) -> set[Path]:
    """The bundles that were made on the journal."""
    return set((folder / "journal" / "models").glob("[!.]*/bundle.json"))


def _morning(day: int) -> Instant:
    return Instant(BEGIN + day * DAY)


def _environ(settings: Settings, folder: Path, source: str, now: Instant) -> dict[str, str]:
    chosen = {
        "KAIROS_DATA_DIR": str(folder.absolute()),
        "KAIROS_SOURCE": source,
        "KAIROS_JOURNAL_OF": "files",
        "KAIROS_FILES": str((folder / "market").absolute()),
        "KAIROS_CLOCK": "simulated",
        "KAIROS_AS_OF": format_instant(now),
        "KAIROS_DEADLINE_MS": "0",
        "KAIROS_SYNCHRONOUS": "NORMAL",
        "KAIROS_MODEL_POLL_S": "30",
    }
    return dict(os.environ) | variables(settings) | chosen


def _line(scored: Scored) -> str:
    share = scored.value / scored.oracle if scored.oracle else float("nan")
    return (
        f"day {scored.day}: {share:6.1%} of the oracle's {scored.oracle / 100:,.0f}, {scored.contacts} contacts of "
        f"{scored.decisions}, {scored.opted_out} left, {scored.complained} complained, {scored.refused} not allowed, "
        f"model {scored.model or 'none'}"
    )
