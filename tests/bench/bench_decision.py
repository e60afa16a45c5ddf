"""Decisions per second over HTTP, beside an endpoint that does nothing: ``make bench``.

Both servers run one uvicorn worker and answer the same client in turns, in the same run. The client keeps
``CONNECTIONS`` connections busy. The ratio is what counts: it says how much of a decision is not the web framework.
Writes ``bench_decision.json`` to the folder of reports.
"""

from __future__ import annotations

import asyncio
import json
import os
import platform
import random
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import duckdb

from serving.settings import Settings, read_settings
from training.child import Child, child

CONNECTIONS = 4
ROUNDS = 3
CUSTOMERS = 500
HOST = "127.0.0.1"
NO_OP = """
import sys, uvicorn
from fastapi import FastAPI
app = FastAPI()
@app.post("/v1/decisions")
async def nothing() -> dict[str, str]:
    return {"answer": "nothing"}
uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="error", access_log=False)
"""


@dataclass(frozen=True, slots=True)
class Measured:
    """One contender in one round."""

    per_second: float
    p50_ms: float
    p99_ms: float
    cpu_ms: float
    """CPU time of the server per answer."""
    failed: int
    """Answers other than 200."""


def bodies(settings: Settings) -> list[bytes]:
    """Decision requests for a fixed sample of the source's customers."""
    customers = settings.contract_dir / "customers.parquet"
    with duckdb.connect() as con:
        rows = con.execute("SELECT customer_id FROM read_parquet(?) ORDER BY customer_id", [str(customers)]).fetchall()
    chosen = random.Random(settings.seed).sample([row[0] for row in rows], min(CUSTOMERS, len(rows)))
    return [json.dumps({"customer_id": customer}).encode() for customer in chosen]


def cpu_s(pid: int) -> float:
    """User and system time of a process so far, seconds (Linux)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def one_connection(port: int, requests: list[bytes], until: float, times_ms: list[float]) -> int:
    """Ask one after the other over one connection; returns how many answers were not 200."""
    reader, writer = await asyncio.open_connection(HOST, port)
    failed = 0
    while time.perf_counter() < until:
        body = requests[len(times_ms) % len(requests)]
        started = time.perf_counter()
        writer.write(
            b"POST /v1/decisions HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n"
            b"Content-Length: %d\r\n\r\n%b" % (len(body), body)
        )
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
        await reader.readexactly(length)
        times_ms.append((time.perf_counter() - started) * 1_000)
        failed += not head.startswith(b"HTTP/1.1 200")
    writer.close()
    return failed


async def ask(port: int, pid: int, requests: list[bytes], seconds: float) -> Measured:
    """Keep all connections busy for so many seconds."""
    times_ms: list[float] = []
    before, started = cpu_s(pid), time.perf_counter()
    failed = await asyncio.gather(
        *(one_connection(port, requests, started + seconds, times_ms) for _ in range(CONNECTIONS))
    )
    took, spent = time.perf_counter() - started, cpu_s(pid) - before
    ranked = sorted(times_ms)
    return Measured(
        per_second=len(ranked) / took,
        p50_ms=ranked[len(ranked) // 2],
        p99_ms=ranked[int(len(ranked) * 0.99)],
        cpu_ms=spent * 1_000 / len(ranked),
        failed=sum(failed),
    )


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server((HOST, 0)) as taken:
        return int(taken.getsockname()[1])


@contextmanager
def kairos(settings: Settings, port: int) -> Iterator[Child]:
    """The service over the data and models that are there, with a journal of its own."""
    with TemporaryDirectory(dir=settings.data_dir, prefix="bench-") as folder:
        (Path(folder) / settings.source).symlink_to(settings.source_dir.absolute())
        environ = {**os.environ, "KAIROS_DATA_DIR": folder, "KAIROS_PORT": str(port)}
        log = settings.data_dir / "logs" / "bench_kairos.log"
        with child([sys.executable, "-m", "serving"], HOST, port, log, environ) as server:
            server.wait_until_up("/health/ready", timeout_s=60)
            yield server


@contextmanager
def no_op_fastapi(settings: Settings, port: int) -> Iterator[Child]:
    """An endpoint at the same path that does nothing."""
    log = settings.data_dir / "logs" / "bench_no_op_fastapi.log"
    with child([sys.executable, "-c", NO_OP, str(port)], HOST, port, log) as server:
        server.wait_until_up("/docs", timeout_s=60)
        yield server


def measure(settings: Settings) -> dict[str, list[Measured]]:
    """Every round of both contenders in turns; a first short one of each warms up and does not count."""
    requests, ports = bodies(settings), {"kairos": free_port(), "no_op_fastapi": free_port()}
    rounds: dict[str, list[Measured]] = {name: [] for name in ports}
    with kairos(settings, ports["kairos"]) as ours, no_op_fastapi(settings, ports["no_op_fastapi"]) as theirs:
        pids = {"kairos": ours.pid, "no_op_fastapi": theirs.pid}
        for number in range(ROUNDS + 1):
            for name, port in ports.items():
                measured = asyncio.run(ask(port, pids[name], requests, settings.bench_s if number else 1.0))
                if number:
                    rounds[name].append(measured)
    return rounds


def report(rounds: dict[str, list[Measured]]) -> dict[str, object]:
    """Medians over the rounds, and Kairos as a multiple of doing nothing."""
    figures = ("per_second", "p50_ms", "p99_ms", "cpu_ms", "failed")
    middle = {name: {f: median(getattr(m, f) for m in each) for f in figures} for name, each in rounds.items()}
    nothing, kairos = middle["no_op_fastapi"], middle["kairos"]
    return {
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
        "connections": CONNECTIONS,
        "median": middle,
        "kairos_by_no_op": {f: kairos[f] / nothing[f] for f in figures if nothing[f]},
        "rounds": {name: [asdict(each) for each in all_of] for name, all_of in rounds.items()},
    }


def main() -> None:
    """Measure, print, and write the report."""
    settings = read_settings(os.environ)
    result = report(measure(settings))
    settings.reports_dir.mkdir(parents=True, exist_ok=True)
    path = settings.reports_dir / "bench_decision.json"
    path.write_text(json.dumps(result, indent=2) + "\n")
    shown = {name: value for name, value in result.items() if name != "rounds"}
    print(json.dumps(shown, indent=2), f"\nwritten to {path}")


if __name__ == "__main__":
    main()
