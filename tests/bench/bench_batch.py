"""Features of ten million events at one instant beside one plain aggregate over the same Parquet file.

The aggregate is what anybody would write first: DuckDB's ``GROUP BY customer, channel, kind`` with count, sum, minimum
and maximum. Ours gives every customer's whole state: decayed sums at several half-lives, latest and earliest instants,
by category, offer, channel, hour and weekday. Wall and CPU time in turns, in one run, each in a process of its own;
a first process with few events does not count: it compiles the loops, once for an installation.
``make bench PART=batch``.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb

from features.domain import Kind
from serving.settings import read_settings
from tests.bench.report import Figure, medians, spread_table, write

EVENTS = int(os.environ.get("KAIROS_BENCH_EVENTS", "10000000"))
CUSTOMERS = EVENTS // 50
ROUNDS = 1  # the features take a minute; a spread needs more
DAY_US = 86_400_000_000
NOW_US = 20_000 * DAY_US
SEED = 7
KINDS = {
    Kind.SENT: 0.30, Kind.VIEWED: 0.20, Kind.CLICKED: 0.06, Kind.VISITED: 0.14, Kind.CARTED: 0.05,
    Kind.PURCHASED: 0.20, Kind.REDEEMED: 0.03, Kind.DISMISSED: 0.01, Kind.COMPLAINED: 0.005, Kind.CONTACTED_US: 0.005,
}  # fmt: skip
CHANNELS = ("email", "push", "app", "web", "store", "call")
PLAIN = """
SELECT customer_id, channel, kind, count(*), sum(value_minor), min(received_at), max(received_at)
FROM '{file}' GROUP BY customer_id, channel, kind
"""


def write_events(file: Path) -> None:
    """A seeded history of a year: categories and offers as unequal as they are, every event on a channel."""
    share, upto = 0.0, []
    for kind, of in KINDS.items():
        share += of
        upto.append(f"WHEN u < {share / sum(KINDS.values())!r} THEN '{kind}'")
    channels = ", ".join(f"'{channel}'" for channel in CHANNELS)
    with duckdb.connect() as con:
        con.execute(f"SET threads = 1; SELECT setseed(0.{SEED}); SET TimeZone = 'UTC'; SET memory_limit = '2GB'")
        con.execute(
            f"""
            COPY (
                SELECT 'c' || lpad(customer::VARCHAR, 8, '0') AS customer_id,
                    CASE {" ".join(upto)} ELSE 'sent' END AS kind,
                    [{channels}][1 + floor(w * {len(CHANNELS)})::INT] AS channel,
                    make_timestamptz({NOW_US} - (age * 365 * {DAY_US})::BIGINT) AS occurred_at,
                    make_timestamptz({NOW_US} - (age * 365 * {DAY_US})::BIGINT) AS received_at,
                    60::SMALLINT AS utc_offset_min,
                    CASE WHEN u < 0.6 THEN 'offer-' || (v * v * 200)::INT END AS offer_id,
                    'category-' || CASE WHEN x < 0.8 THEN (customer + (v * v * 8)::INT) % 60
                        ELSE (v * 59)::INT END AS category,
                    CASE WHEN u BETWEEN 0.7 AND 0.95 THEN (200 + v * 5000)::BIGINT END AS value_minor,
                    CASE WHEN u BETWEEN 0.7 AND 0.95 THEN (v * 100)::BIGINT END AS discount_minor
                FROM (SELECT random() AS u, random() AS v, random() AS w, random() AS age, random() AS x,
                    (sqrt(random()) * {CUSTOMERS})::BIGINT AS customer FROM range({EVENTS}))
            ) TO '{file}' (COMPRESSION zstd)
            """
        )


def plain(file: Path, threads: int) -> int:
    """The plain aggregate; how many rows it has."""
    with duckdb.connect() as con:
        con.execute(f"SET threads = {threads}; SET memory_limit = '2GB'")
        return con.sql(PLAIN.format(file=file)).to_arrow_table().num_rows


def ours(file: Path, threads: int) -> int:
    """Every customer's state now; how many rows it has."""
    from features.batch import batch
    from training.engine import connect

    con = connect(threads)
    con.raw_sql("SET memory_limit = '2GB'")
    con.raw_sql(
        "CREATE VIEW events AS SELECT customer_id AS subject, kind, channel, epoch_us(occurred_at) AS occurred_us, "
        "epoch_us(received_at) AS received_us, utc_offset_min, offer_id, category, value_minor, discount_minor "
        f"FROM '{file}'"
    )
    con.raw_sql(
        "CREATE TABLE asked AS SELECT row_number() OVER (ORDER BY subject) - 1 AS row, subject, "
        f"{NOW_US}::BIGINT AS at_us FROM (SELECT DISTINCT subject FROM events)"
    )
    return batch(con.table("events"), con.table("asked"), threads=threads).num_rows


WAYS = {"plain GROUP BY": plain, "features": ours}


def alone(way: str, file: Path, threads: int) -> dict[str, float]:
    """One of the ways in a process of its own: its times in seconds, its rows, and its largest memory in MB."""
    command = [sys.executable, "-m", "tests.bench.bench_batch", way, str(file), str(threads)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    if ran.returncode:
        sys.exit(ran.stderr)
    return dict(json.loads(ran.stdout.splitlines()[-1]))


def main() -> None:
    """Measure, print, and write the report; with arguments one way alone."""
    if len(sys.argv) > 1:
        way, file, threads = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
        wall, cpu = time.perf_counter(), time.process_time()
        rows = WAYS[way](file, threads)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
        print(json.dumps({"wall_s": wall, "cpu_s": cpu, "rows": rows, "memory_mb": memory}))
        return
    settings = read_settings(os.environ)
    with TemporaryDirectory(dir=settings.data_dir, prefix="bench-") as folder:
        file = Path(folder) / "events.parquet"
        few = Path(folder) / "few.parquet"
        write_events(file)
        duckdb.sql(f"COPY (FROM '{file}' LIMIT 1000) TO '{few}'")
        alone("features", few, settings.threads)
        found = {way: [alone(way, file, settings.threads) for _ in range(ROUNDS)] for way in WAYS}
    rounds = {
        f"{way}, {unit}": [each[f"{unit}_s"] for each in runs]
        for way, runs in found.items()
        for unit in ("wall", "cpu")
    }
    middle = medians(rounds)
    figures = [
        Figure(
            f"features of {EVENTS:,} events ÷ one GROUP BY, {unit} time",
            middle[f"features, {unit}"] / middle[f"plain GROUP BY, {unit}"], 6, 6, less_is_better=True,
        )
        for unit in ("wall", "cpu")
    ]  # fmt: skip
    rows = {way: runs[0]["rows"] for way, runs in found.items()}
    memory = {way: max(run["memory_mb"] for run in runs) for way, runs in found.items()}
    heading = f"{EVENTS:,} events of {rows['features']:,} customers, {settings.threads} threads"
    tables = spread_table(rounds, "seconds", heading)
    tables += ["", *(f"{way}: {rows[way]:,} rows, at most {memory[way]:,.0f} MB" for way in WAYS)]
    write(settings, "batch", figures, tables, found)


if __name__ == "__main__":
    main()
