"""Memory: what the serving process takes, import by import and at full size; what the online store takes.

The store is measured with customers made up like the source's own, at the real SCHEMA: ours with a million (or
``KAIROS_BENCH_CUSTOMERS``), Feast's own Redis store with fewer and extrapolated. ``make bench PART=memory``.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from redis import Redis

from features.domain import CustomerId, Instant
from features.packed_state import PackedState, pack_state
from features.state import Memory, State
from features.stored import ACTIVITY
from serving.packed_file import PROJECT, create, open_to_write, put, table_name
from serving.packed_redis import PackedRedis, connect
from serving.settings import Settings, read_settings
from serving.store import SqliteReader
from tests.bench.load import HOST
from tests.bench.ours import customers_of
from tests.bench.peers import feasts_own
from tests.bench.redis import redis_server
from tests.bench.report import Figure, write
from training.offered import build_catalogue

CUSTOMERS = int(os.environ.get("KAIROS_BENCH_CUSTOMERS", "1000000"))
KEYS = {"category": 8, "offer": 6, "channel": 3, "hour": 5, "weekday": 4}
"""Keys that a made-up customer has touched: one of fifty events, as in the benchmark of batch features."""
ON_REDIS = 200_000
"""Customers put on Redis, so that it stays within two gigabytes; what they take is stated per million."""
TREES, PAIRS = 500, 1_000
IMPORTS = ("numpy", "sqlalchemy", "fastapi", "uvicorn", "numba", "serving.app")
ALONE = """
import importlib, json, os, sys
def resident():
    return int(open("/proc/self/statm").read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6
told = {"python": resident()}
for name in sys.argv[1:]:
    try:
        importlib.import_module(name)
    except ModuleNotFoundError:
        continue
    told[name] = resident()
print(json.dumps(told))
"""
SERVING = """
import json, os, sys
import numpy as np
from serving.trees.forest import Forest
from serving.trees.scorer import Scorer
from tests.bench.made_up import GROUPS, Catalogue, Request
import serving.app
def resident():
    return int(open("/proc/self/statm").read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6
before = resident()
rng = np.random.default_rng(3)
catalogue = Catalogue.of(rng, int(sys.argv[2]) // 4)
forests = [Forest.parse(open(sys.argv[1]).read()) for _ in range(3)]
prepared = Scorer(forests, GROUPS).prepare(catalogue.static(), catalogue.keys())
request = Request.of(rng, int(sys.argv[2]) // 4)
prepared.score(request.customer, request.keyed)
print(json.dumps({"before": before, "after": resident(), "pairs": prepared.n_pairs}))
"""


def states(rng: np.random.Generator) -> Iterator[State]:
    """Made-up customers, each of whom has touched so many keys."""
    from features.schema import SCHEMA, Key

    at = Instant(1_700_000_000_000_000)
    while True:
        memories = []
        for section in SCHEMA:
            n = 1 if section.key is Key.NONE else KEYS[section.name]
            names = ("",) if section.key is Key.NONE else tuple(f"{section.name}-{k:03d}" for k in range(n))
            sums = rng.random((n, len(section.sums)))
            memories.append(Memory(names, sums, np.full((n, len(section.extremes)), int(at))))
        yield State(at, tuple(memories))


def values(n: int, begin: int = 0) -> Iterator[tuple[str, bytes]]:
    """Packed values of so many customers."""
    at, some = Instant(1_700_000_000_000_000), []
    for state in islice(states(np.random.default_rng(1)), 100):
        some.append(pack_state(ACTIVITY, PackedState(at, at, 0, state)))
    for number in range(begin, begin + n):
        yield f"customer-{number:08d}", some[number % len(some)]


def on_sqlite(folder: Path) -> dict[str, float]:
    """Bytes on disk of that many customers in the packed file."""
    path = folder / "million.db"
    with closing(open_to_write(path)) as con:
        create(con, table_name(PROJECT, ACTIVITY.name))
        for begin in range(0, CUSTOMERS, 20_000):
            put(con, table_name(PROJECT, ACTIVITY.name), values(min(20_000, CUSTOMERS - begin), begin))
        con.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    size = path.stat().st_size / 1e9
    reader = SqliteReader(path, 400)
    assert reader.activity(CustomerId("customer-00000001"), Instant(1_700_000_000_000_000)) is not None
    path.unlink()
    return {"customers": CUSTOMERS, "gb_per_million": size * 1e6 / CUSTOMERS}


def on_redis(port: int) -> dict[str, float]:
    """Memory of packed values on Redis."""
    client, n = Redis(HOST, port), min(CUSTOMERS, ON_REDIS)
    before = int(client.info("memory")["used_memory"])
    PackedRedis(connect(f"redis://{HOST}:{port}/0"), PROJECT, "bench").put(ACTIVITY.name, values(n))
    took = int(client.info("memory")["used_memory"]) - before
    client.flushall()
    return {"customers": n, "gb_per_million": took / n * 1e6 / 1e9}


def feasts_redis(settings: Settings, folder: Path, port: int) -> dict[str, float]:
    """Memory of the same customers in Feast's own Redis store and in ours: of the source's, which have more keys."""
    client, customers = Redis(HOST, port), customers_of(settings)
    feasts_own(settings, folder, customers, port)
    theirs = int(client.info("memory")["used_memory"])
    client.flushall()
    base = int(client.info("memory")["used_memory"])
    reader = SqliteReader(settings.online_file, settings.feature_ttl_days)
    target = PackedRedis(connect(f"redis://{HOST}:{port}/0"), PROJECT, "bench")
    from features.stored import PROFILE

    for view in (ACTIVITY, PROFILE):
        found = zip(customers, reader._get_many(view, customers), strict=True)
        target.put(view.name, [(key, value) for key, value in found if value is not None])
    ours = int(client.info("memory")["used_memory"]) - base
    client.flushall()
    return {
        "customers": len(customers),
        "feast_gb_per_million": (theirs - base) / len(customers) * 1e6 / 1e9,
        "ours_gb_per_million": ours / len(customers) * 1e6 / 1e9,
    }


def asked(code: str, *arguments: object) -> dict[str, float]:
    """What a process of its own says of itself."""
    ran = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)], capture_output=True, text=True, check=False
    )
    if ran.returncode:
        sys.exit(ran.stderr)
    return dict(json.loads(ran.stdout.splitlines()[-1]))


def main() -> None:
    """Measure, print, and write the report."""
    from tests.bench.bench_scoring import trained

    settings = read_settings(os.environ)
    build_catalogue(settings)
    with ExitStack() as running:
        folder = Path(running.enter_context(TemporaryDirectory(dir=settings.data_dir, prefix="bench-")))
        model = folder / "model.txt"
        trained(np.random.default_rng(1), TREES).save_model(model)
        imports, process = asked(ALONE, *IMPORTS), asked(SERVING, model, PAIRS)
        port = running.enter_context(redis_server())
        beside = feasts_redis(settings, folder, port)
        redis, sqlite = on_redis(port), on_sqlite(folder)
    value = len(next(values(1))[1])
    lines = ["| after importing | resident MB |", "|---|---|"]
    lines += [f"| {name} | {mb:,.0f} |" for name, mb in imports.items()]
    lines += [f"| 3 models of {TREES} trees, {process['pairs']:,.0f} pairs | {process['after']:,.0f} |", ""]
    lines += ["| a million customers | GB |", "|---|---|"]
    lines += [
        f"| packed SQLite on disk, {sqlite['customers']:,} of {value:,} bytes | {sqlite['gb_per_million']:.2f} |",
        f"| packed Redis, {redis['customers']:,} of them, per million | {redis['gb_per_million']:.2f} |",
        f"| packed Redis, {beside['customers']:,} of the source's, per million | {beside['ours_gb_per_million']:.2f} |",
        f"| Feast's own Redis, the same, per million | {beside['feast_gb_per_million']:.2f} |",
    ]
    figures = [
        Figure(f"serving process, {PAIRS:,} pairs, 3 models of {TREES} trees", process["after"], 300, 400, True, "MB"),
    ]
    found = {"imports_mb": imports, "process_mb": process, "sqlite": sqlite, "redis": redis, "beside": beside}
    write(settings, "memory", figures, lines, found)


if __name__ == "__main__":
    main()
