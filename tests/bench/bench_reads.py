"""Reads and writes of one customer's features alone: Feast's own SQLite store, Feast on the packed one, the service.

All in turns in one run, on one thread, for the same customers. Writes ``bench_reads.json`` to the folder of reports.
"""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from feast.protos.feast.types.EntityKey_pb2 import EntityKey
from feast.protos.feast.types.Value_pb2 import Value

from features.codec import PackedState, pack_state
from features.domain import CustomerId
from features.stored import ACTIVITY
from serving.packed_file import create, open_to_read, open_to_write, table_name
from serving.settings import Settings, read_settings
from serving.store import SqliteReader
from serving.values import SqliteValues
from tests.bench.bench_decision import customers_of
from tests.bench.peers import feasts_own, refs, rows_of
from training.feature_store import open_store
from training.offered import build_catalogue

ROUNDS = 7
READS, WRITES, ROWS = 100, 5, 200
AIMS = (
    ("online_read", "feast_sqlite_online_read", "kairos_read", 15.0, 8.0),
    ("get_online_features", "feast_sqlite_get_online_features", "kairos_read", 15.0, 8.0),
    ("one-row update", "feast_sqlite_push", "kairos_update", 20.0, 10.0),
    ("bulk, per row", "feast_sqlite_bulk_row", "kairos_bulk_row", 15.0, 8.0),
)
"""CPU time of Feast's call as a multiple of ours: the aim, and the least."""


def contenders(settings: Settings, folder: Path, customers: list[str]) -> dict[str, tuple[Callable[[], object], int]]:
    """What is measured, each with how many customers one call is about."""
    _, theirs = feasts_own(settings, folder, customers)
    view = theirs.get_feature_view(ACTIVITY.name)
    packed = open_store(settings, _copied(settings, folder))
    at, wanted, some = build_catalogue(settings).now, refs(), customers[:READS]
    keys = [EntityKey(join_keys=["customer_id"], entity_values=[Value(string_val=c)]) for c in some]
    reader = SqliteReader(folder / "online.db", settings.feature_ttl_days)
    values = SqliteValues(folder / "online.db")
    states = {c: reader.activity(CustomerId(c), at) for c in customers}
    known = [(CustomerId(c), state) for c, state in states.items() if state is not None]
    rows = rows_of(settings, ACTIVITY.name, customers[:ROWS])
    one = rows.iloc[:1]

    def online_read() -> None:
        for key in keys:
            theirs._get_provider().online_read(theirs.config, view, [key])

    def packed_online_read() -> None:
        for key in keys:
            packed._get_provider().online_read(packed.config, view, [key])

    def get_online_features() -> None:
        for customer in some:
            theirs.get_online_features(features=wanted, entity_rows=[{"customer_id": customer}])

    def kairos_read() -> None:
        for customer in some:
            reader.activity(CustomerId(customer), at)
            reader.profile(CustomerId(customer))

    def push() -> None:
        for _ in range(WRITES):
            theirs.write_to_online_store(ACTIVITY.name, one)

    def update(n: int) -> None:
        for customer, state in known[:n]:
            values.put([(customer, pack_state(ACTIVITY, PackedState(at, at, 0, state)))])

    def bulk() -> None:
        values.put([(customer, pack_state(ACTIVITY, PackedState(at, at, 0, state))) for customer, state in known])

    return {
        "feast_sqlite_online_read": (online_read, READS),
        "feast_packed_online_read": (packed_online_read, READS),
        "feast_sqlite_get_online_features": (get_online_features, READS),
        "kairos_read": (kairos_read, READS),
        "feast_sqlite_push": (push, WRITES),
        "kairos_update": (lambda: update(READS), READS),
        "feast_sqlite_bulk_row": (lambda: theirs.write_to_online_store(ACTIVITY.name, rows), len(rows)),
        "kairos_bulk_row": (bulk, len(known)),
    }


def _copied(settings: Settings, folder: Path) -> Path:
    """A copy of the online store, so that what is written stays out of the real one."""
    path = folder / "online.db"
    table = table_name("kairos", ACTIVITY.name)
    source = open_to_read(settings.online_file)
    copy = open_to_write(path)
    source.backup(copy)
    create(copy, table)
    for each in (source, copy):
        each.close()
    return path


def measure(settings: Settings) -> dict[str, list[float]]:
    """CPU time for one customer in microseconds, by contender, one figure a round; a first round does not count."""
    with TemporaryDirectory(dir=settings.data_dir, prefix="bench-") as folder:
        found = contenders(settings, Path(folder), customers_of(settings))
        rounds: dict[str, list[float]] = {name: [] for name in found}
        for number in range(ROUNDS + 1):
            for name, (call, n) in found.items():
                started = time.process_time()
                call()
                if number:
                    rounds[name].append((time.process_time() - started) * 1e6 / n)
    return rounds


def main() -> None:
    """Measure, print, and write the report."""
    settings = read_settings(os.environ)
    rounds = measure(settings)
    middle = {name: median(each) for name, each in rounds.items()}
    ratios = [
        {"what": what, "ratio": middle[theirs] / middle[ours], "aim": aim, "least": least}
        for what, theirs, ours, aim, least in AIMS
    ]
    lines = ["| contender | CPU µs per customer | from | to |", "|---|---|---|---|"]
    lines += [f"| {name} | {middle[name]:,.0f} | {min(r):,.0f} | {max(r):,.0f} |" for name, r in rounds.items()]
    lines += ["", "| Feast's SQLite ÷ ours | measured | aim | least |", "|---|---|---|---|"]
    lines += [f"| {r['what']} | {r['ratio']:.1f} | {r['aim']:g} | {r['least']:g} |" for r in ratios]
    settings.reports_dir.mkdir(parents=True, exist_ok=True)
    path = settings.reports_dir / "bench_reads.json"
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    path.write_text(json.dumps({"machine": machine, "median_us": middle, "ratios": ratios, "rounds": rounds}, indent=2))
    path.with_suffix(".md").write_text("\n".join(lines) + "\n")
    print("\n".join(lines), f"\n\n{machine}; written to {path}")


if __name__ == "__main__":
    main()
