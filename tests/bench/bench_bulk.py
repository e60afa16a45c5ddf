"""The online store filled from the history: Feast's ``materialize`` into its own stores, and ours from Arrow.

Both read the same Parquet file of a row for each customer and write all columns of one view. CPU time of the process
that writes, in turns, into empty stores; ours by way of the staged file to where the service reads.
``make bench PART=bulk``.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import ExitStack, closing, redirect_stderr, redirect_stdout
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import pyarrow.parquet as pq
from feast import FeatureStore
from redis import Redis

from features.domain import Instant
from features.stored import ACTIVITY
from serving.packed_file import PROJECT, get_all, open_to_read, publish, table_name
from serving.packed_redis import PackedRedis, connect
from serving.settings import Settings, read_settings
from tests.bench.load import HOST
from tests.bench.peers import feasts_empty
from tests.bench.redis import redis_server
from tests.bench.report import Figure, medians, spread_table, write
from training.bulk import write_newest
from training.feature_store import apply_definitions, open_store
from training.offered import build_catalogue

ROUNDS, ROWS, COPIES = 3, 5_000, 10
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def own_source(settings: Settings, folder: Path, now: Instant) -> tuple[Settings, int]:
    """A source of the same name, all of its history a row known by now for each of so many customers; and how many.

    Where the source has fewer customers, each stands for several.
    """
    own = replace(settings, data_dir=folder)
    own.feast_dir.mkdir(parents=True)
    newest = f"""
        SELECT newest.* REPLACE (customer_id || '-' || copy AS customer_id) FROM (
            SELECT * FROM '{{}}' WHERE epoch_us(event_timestamp) <= {now}
            QUALIFY row_number() OVER (PARTITION BY customer_id ORDER BY event_timestamp DESC) = 1
        ) newest CROSS JOIN range({COPIES}) copies(copy) ORDER BY copy, customer_id LIMIT {ROWS}
    """
    with duckdb.connect() as db:
        for file in settings.feast_dir.glob("*.parquet"):
            query = newest.format(file) if file.stem == ACTIVITY.name else f"SELECT * FROM '{file}' LIMIT 1"
            pq.write_table(db.sql(query).to_arrow_table(), own.feast_dir / file.name, compression="zstd")
    apply_definitions(own, open_store(own))
    return own, pq.read_metadata(own.feast_dir / f"{ACTIVITY.name}.parquet").num_rows


def ways(own: Settings, folder: Path, now: Instant, port: int) -> dict[str, Callable[[], object]]:
    """What is measured; each fills an empty store."""
    staged, packed, table = folder / "filled.db", folder / "packed.db", table_name(PROJECT, ACTIVITY.name)
    history = own.feast_dir / f"{ACTIVITY.name}.parquet"
    clients = [Redis(HOST, port, db=number) for number in (0, 1)]
    registry = open_store(own)

    def emptied() -> None:
        for file in folder.glob("*.db*"):
            file.unlink()
        for client in clients:
            client.flushdb()

    def ours() -> None:
        write_newest(registry, staged, ACTIVITY, history, now)
        publish(staged, packed, [table])

    def ours_on_redis() -> None:
        write_newest(registry, staged, ACTIVITY, history, now)
        target = PackedRedis(connect(f"redis://{HOST}:{port}/0"), PROJECT, own.source)
        with closing(open_to_read(staged)) as con:
            target.publish(ACTIVITY.name, get_all(con, table))

    def theirs(store: FeatureStore) -> None:
        with redirect_stdout(StringIO()), redirect_stderr(StringIO()):
            store.materialize(_EPOCH + timedelta(days=1), _EPOCH + timedelta(microseconds=now), [ACTIVITY.name])

    def started(make: Callable[[], FeatureStore]) -> Callable[[], object]:
        def call() -> Callable[[], None]:
            emptied()
            store = make()
            return lambda: theirs(store)

        return call

    def fresh(call: Callable[[], None]) -> Callable[[], object]:
        def ready() -> Callable[[], None]:
            emptied()
            return call

        return ready

    return {
        "Feast's materialize, its SQLite": started(lambda: feasts_empty(own, folder)[1]),
        "Feast's materialize, its Redis": started(lambda: feasts_empty(own, folder, port)[1]),
        "Feast's materialize, our SQLite": started(lambda: open_store(own, folder / "staged.db")),
        "ours from Arrow, SQLite": fresh(ours),
        "ours from Arrow, Redis": fresh(ours_on_redis),
    }


def main() -> None:
    """Measure, print, and write the report."""
    settings = read_settings(os.environ)
    now = build_catalogue(settings).now
    with ExitStack() as running:
        folder = Path(running.enter_context(TemporaryDirectory(dir=settings.data_dir, prefix="bench-")))
        stores = folder / "stores"
        stores.mkdir()
        own, rows = own_source(settings, folder / "source", now)
        found = ways(own, stores, now, running.enter_context(redis_server()))
        rounds: dict[str, list[float]] = {name: [] for name in found}
        for number in range(ROUNDS + 1):
            for name, way in found.items():
                call = way()
                assert callable(call)
                started = time.process_time()
                call()
                if number:
                    rounds[name].append((time.process_time() - started) * 1e6 / rows)
    middle = medians(rounds)
    figures = [
        Figure(
            f"bulk into {where}: Feast's materialize ÷ ours",
            middle[f"Feast's materialize, its {where}"] / middle[f"ours from Arrow, {where}"],
            15,
            8,
        )
        for where in ("SQLite", "Redis")
    ]
    write(settings, "bulk", figures, spread_table(rounds, "CPU µs per row", f"contender ({rows:,} rows)"), rounds)


if __name__ == "__main__":
    main()
