"""A service as it would live for a month: thousands of customers, a policy with caps, reservations that expire."""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import func, select

from features.catalogue import Catalogue
from features.domain import DAY
from features.instant import format_instant
from serving.journal import Journal
from serving.journal.packed_record import answered
from serving.journal.schema import DECISIONS
from serving.settings import Settings, variables
from tests.bench.load import HOST, Target, Window, ask, free_port, pace
from training.child import Child, child

ROOT = Path(__file__).resolve().parents[2]
CONNECTIONS, WINDOWS = 8, 12
SHARE = 0.7
"""Of what the service can."""
A_DAY_S = 60.0
"""Seconds in which a day passes: in half an hour caps of a week and of a fortnight fill and empty."""
STEP_S = 0.5
LATEST = 1_000
"""Decisions that are looked at for what was said."""
POLICY: Mapping[str, object] = {
    "caps": [
        {"name": "three messages a week", "per": "all", "most": 3, "window": {"hours": 168}},
        {"name": "an offer once a fortnight", "per": "offer", "most": 1, "window": {"hours": 336}},
    ]
}


@dataclass(frozen=True, slots=True)
class Lived:
    """What came of it."""

    capacity_per_second: float
    """Once caps had filled for the first time."""
    windows: list[Window]
    recorded_share: float
    """Decisions in the journal over answers, while 70 % were asked."""
    silent_share: float
    """Of the latest that offer nothing, because caps are full or nothing is worth its cost."""
    journal_gb: float


def live(settings: Settings, customers: int, settle_s: float, measure_s: float, seconds: float) -> Lived:
    """Let caps fill, measure what the service can, then ask 70 % of it for so long.

    The champion has to be promoted; customers are called as those of the small world are.
    """
    port = free_port()
    environ = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        **variables(settings),
        "KAIROS_PORT": str(port),
        "KAIROS_DEADLINE_MS": "5000",
    }
    policy = settings.source_dir / "policy.json"
    policy.write_text(json.dumps(POLICY))
    bodies = [json.dumps({"customer_id": f"c{n:03d}", "kind": "reward", "limit": 3}).encode() for n in range(customers)]
    log = settings.data_dir / "serving.log"
    with child([sys.executable, "-m", "serving"], HOST, port, log, environ) as server:
        server.wait_until_up("/health/ready", timeout_s=180)
        target = Target(server.pid, port, "/v1/decisions", bodies)
        with _days_pass(server, Catalogue.from_json(settings.catalogue_file.read_text()).now):
            ask(target, CONNECTIONS, settle_s)
            capacity = ask(target, CONNECTIONS, measure_s).per_second
            before, _ = _recorded(settings)
            windows = pace(target, CONNECTIONS, SHARE * capacity, seconds, WINDOWS)
        recorded, silent = _recorded(settings)
    journal = sum(file.stat().st_size for file in settings.source_dir.glob("journal.db*"))
    answers = sum(window.answers for window in windows)
    return Lived(capacity, windows, (recorded - before) / answers, silent, journal / 1e9)


def _recorded(settings: Settings) -> tuple[int, float]:
    """How many decisions the journal holds, and the share of the latest ones that offer nothing."""
    with closing(Journal(settings.journal_uri)) as journal, journal.reading() as connection:
        latest = select(DECISIONS.c.answer, DECISIONS.c.packed).order_by(DECISIONS.c.at_us.desc()).limit(LATEST)
        found = connection.execute(select(func.count()).select_from(DECISIONS)).scalar_one()
        answers = [json.loads(answered(row)) for row in connection.execute(latest)]
    return int(found), sum(not answer["items"] for answer in answers) / len(answers)


@contextmanager
def _days_pass(server: Child, start: int) -> Iterator[None]:
    """Move the service's clock on beside the requests."""
    over = threading.Event()

    def run() -> None:
        now = start
        while not over.wait(STEP_S):
            now += round(DAY * STEP_S / A_DAY_S)
            server.post("/v1/clock", {"now": format_instant(now)})

    thread = threading.Thread(target=run, name="days", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
