"""Events per second accepted, durable and folded, beside plain SQLite that inserts the same rows: ``make bench``.

The share depends on what a synchronous write costs on the disk, which both pay alike: hence the processor time too.

Both write to files in the same folder at the same ``synchronous`` level, in turns, in the same run; what is Kairos's
begins with the bytes of a request's body and ends when the answer could be given: the events are in the journal and in
the customers' features. Each round takes single events and batches of 100 of both; a round that warms up does not
count. Writes ``bench_events.json`` to the folder of reports.
"""

from __future__ import annotations

import json
import os
import platform
import random
import sqlite3
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from itertools import count, islice
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from features.clock import SystemClock
from features.domain import DAY, Instant
from features.instant import format_instant
from serving.attribution import Attribution
from serving.events.body import Reading, items, parse
from serving.intake import Intake
from serving.journal import Journal
from serving.projection import Projection
from serving.settings import Settings, read_settings
from serving.values import SqliteValues

ROUNDS = 5
BATCH = 100
CUSTOMERS = 2_000
FILLED = 10_000
"""Events that every customer base has before anything is measured."""
KINDS = ("visited", "carted", "clicked", "viewed", "purchased")
CHANNELS = ("app", "web", "store", "email")
CATEGORIES = tuple(f"category-{number}" for number in range(30))
COLUMNS = ("source", "event_id", "customer_id", "kind", "channel", "occurred_at", "category", "value_minor")
TABLE = """
CREATE TABLE events (
    position INTEGER PRIMARY KEY, source TEXT NOT NULL, event_id TEXT NOT NULL, customer_id TEXT NOT NULL,
    kind TEXT NOT NULL, channel TEXT NOT NULL, occurred_at TEXT NOT NULL, category TEXT, value_minor INTEGER,
    UNIQUE (source, event_id)
)
"""
Event = dict[str, object]
Take = Callable[[Sequence[Event]], None]


class Stream:
    """What happens in a shop: random customers, channels and categories, in the last two days."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)
        self._number = count()
        self._now = Instant(time.time_ns() // 1_000)

    def __iter__(self) -> Stream:
        return self

    def __next__(self) -> Event:
        chance = self._chance
        kind = chance.choice(KINDS)
        return {
            "source": "bench",
            "event_id": f"{chance.getrandbits(64):016x}-{next(self._number)}",
            "customer_id": f"customer-{chance.randrange(CUSTOMERS)}",
            "kind": kind,
            "channel": chance.choice(CHANNELS),
            "occurred_at": format_instant(Instant(self._now - chance.randrange(2 * DAY))),
            "category": chance.choice(CATEGORIES),
            "value_minor": chance.randrange(100, 9_999) if kind == "purchased" else None,
        }


def kairos(folder: Path, settings: Settings) -> tuple[Take, Journal]:
    """Takes a body of events as the service does, HTTP aside."""
    journal = Journal(f"sqlite:///{folder / 'journal.db'}", settings.synchronous)
    vocabulary, channels = frozenset(CATEGORIES), frozenset(CHANNELS)
    projection = Projection(journal, SqliteValues(folder / "online.db"), lambda: vocabulary)
    intake = Intake(projection, SystemClock(), lambda: Reading("EUR", channels, {}), Attribution(journal, dict))

    def take(events: Sequence[Event]) -> None:
        receipts = intake.accept(items(parse(json.dumps(list(events)).encode())), "bench")
        if any(receipt.status != "accepted" for receipt in receipts):
            raise RuntimeError(f"an event was not accepted: {receipts}")

    return take, journal


def plain_sqlite(con: sqlite3.Connection, settings: Settings) -> Take:
    """Inserts the same rows, one transaction per body."""
    con.execute("PRAGMA journal_mode = WAL")
    con.execute(f"PRAGMA synchronous = {settings.synchronous}")
    con.execute(TABLE)
    statement = f"INSERT INTO events ({', '.join(COLUMNS)}) VALUES ({', '.join('?' * len(COLUMNS))})"

    def take(events: Sequence[Event]) -> None:
        con.execute("BEGIN IMMEDIATE")
        con.executemany(statement, [tuple(event[name] for name in COLUMNS) for event in events])
        con.execute("COMMIT")

    return take


def bodies_of(stream: Stream, size: int, events: int) -> list[list[Event]]:
    """So many events in bodies of this size."""
    return [list(islice(stream, size)) for _ in range(events // size)]


def rate(take: Take, stream: Stream, size: int, seconds: float) -> tuple[float, float]:
    """Events per second in bodies of this size, and microseconds of processor time per event."""
    taken, spent, worked = 0, 0.0, 0.0
    while spent < seconds:
        bodies = bodies_of(stream, size, max(size, 100))  # made up outside of what is measured
        started, working = time.perf_counter(), time.process_time()
        for body in bodies:
            take(body)
        spent, worked = spent + time.perf_counter() - started, worked + time.process_time() - working
        taken += size * len(bodies)
    return taken / spent, worked * 1e6 / taken


def measure(settings: Settings, seconds: float) -> list[dict[str, dict[str, float]]]:
    """Each round: events per second of both, single and in batches."""
    with TemporaryDirectory(dir=settings.data_dir, prefix="bench-") as name:
        folder = Path(name)
        ours, journal = kairos(folder, settings)
        with closing(journal), closing(sqlite3.connect(folder / "plain.db", isolation_level=None)) as con:
            takes = {"kairos": ours, "plain_sqlite": plain_sqlite(con, settings)}
            streams = {who: Stream(seed=1) for who in takes}
            for who, take in takes.items():
                for body in bodies_of(streams[who], 500, FILLED):
                    take(body)
            rounds = []
            for _ in range(ROUNDS + 1):
                found: dict[str, dict[str, float]] = {"single": {}, "batch": {}}
                for way, size in (("single", 1), ("batch", BATCH)):
                    for who, take in takes.items():
                        found[way][who], found[way][f"{who}_cpu_us"] = rate(take, streams[who], size, seconds)
                rounds.append(found)
        return rounds[1:]


def report(rounds: list[dict[str, dict[str, float]]], settings: Settings) -> dict[str, Any]:
    """Medians over the rounds; the share is the median of the rounds' own shares."""
    middle = {
        way: {
            **{f"{who}_per_s": median(each[way][who] for each in rounds) for who in ("kairos", "plain_sqlite")},
            **{who: median(each[way][who] for each in rounds) for who in ("kairos_cpu_us", "plain_sqlite_cpu_us")},
            "share": median(each[way]["kairos"] / each[way]["plain_sqlite"] for each in rounds),
        }
        for way in ("single", "batch")
    }
    return {
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
        "synchronous": settings.synchronous,
        "batch": BATCH,
        "customers": CUSTOMERS,
        "median": middle,
        "rounds": rounds,
    }


def main() -> None:
    """Measure, print, and write the report."""
    settings = read_settings(os.environ)
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    result = report(measure(settings, settings.bench_s / (2 * ROUNDS)), settings)
    settings.reports_dir.mkdir(parents=True, exist_ok=True)
    path = settings.reports_dir / "bench_events.json"
    path.write_text(json.dumps(result, indent=2) + "\n")
    shown = {name: value for name, value in result.items() if name != "rounds"}
    print(json.dumps(shown, indent=2), f"\nwritten to {path}")


if __name__ == "__main__":
    main()
