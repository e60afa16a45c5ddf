"""From the start of the service to ready, and what the first decisions after it take: ``make bench``.

The first start fills the caches (bytecode, compiled kernels) that the later ones find, and does not count. Writes
``bench_start.json``.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from urllib.request import Request, urlopen

from serving.settings import Settings, read_settings
from tests.bench.load import HOST, cpu_s, free_port
from tests.bench.ours import KIND, assorted, customers_of
from tests.bench.report import Figure, write
from training.child import child

STARTS = 4
DECISIONS = 100
READY_S = 8.0


def start(settings: Settings, customers: list[str]) -> tuple[float, float, list[float]]:
    """Seconds until ready, those of the processor, and the milliseconds of each decision after it, one by one."""
    port = free_port()
    with TemporaryDirectory(dir=settings.data_dir, prefix="bench-") as folder:
        channels = assorted(settings, Path(folder) / settings.source)
        environ = {**os.environ, "KAIROS_DATA_DIR": folder, "KAIROS_PORT": str(port), "KAIROS_DEADLINE_MS": "10000"}
        # A shell may forbid Python its cache: every start would then compile every module from its source.
        environ |= {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(settings.data_dir / "pycache")}
        log, began = settings.data_dir / "logs" / "bench_start.log", time.perf_counter()
        with child([sys.executable, "-m", "serving"], HOST, port, log, environ) as server:
            server.wait_until_up("/health/ready", timeout_s=300)
            ready_s, spent_s, took_ms = time.perf_counter() - began, cpu_s(server.pid), []
            for number in range(DECISIONS):
                told = {"customer_id": customers[number], "kind": KIND, "channels": channels}
                headers = {"Content-Type": "application/json"}
                before = time.perf_counter()
                with urlopen(Request(f"{server.address}/v1/decisions", json.dumps(told).encode(), headers)) as answer:
                    answer.read()
                took_ms.append((time.perf_counter() - before) * 1e3)
    return ready_s, spent_s, took_ms


def main() -> None:
    """Measure, print, and write the report."""
    settings = read_settings(os.environ)
    customers = customers_of(settings)
    warm = [start(settings, customers) for _ in range(STARTS)][1:]
    ready_s, spent_s = median(each for each, *_ in warm), median(each for _, each, _ in warm)
    first_ms, later_ms = median(took[0] for *_, took in warm), median(took[-1] for *_, took in warm)
    figures = [Figure("start to ready, warm cache", ready_s, READY_S, READY_S, True, "s")]
    told = [
        f"The processor worked {spent_s:.1f} s until ready.",
        f"The first decision after ready takes {first_ms:.1f} ms, the hundredth {later_ms:.1f} ms.",
    ]
    found = {"ready_s": ready_s, "cpu_s": spent_s, "first_ms": first_ms, "hundredth_ms": later_ms}
    write(settings, "start", figures, told, found)


if __name__ == "__main__":
    main()
