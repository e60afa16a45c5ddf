"""Whole decisions with a process for every core, beside the same peers with as many: ``make bench PART=cores``.

What one machine gives. The client asks from one more process, which takes its share of the same cores from whoever
answers quickly. Writes ``bench_cores.json`` to the folder of reports.
"""

from __future__ import annotations

import os
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from serving.settings import Settings, read_settings
from tests.bench.bench_decision import FIGURES, MODELS, ROUNDS, boosters
from tests.bench.load import Measured, ask
from tests.bench.ours import customers_of, kairos, warm
from tests.bench.peers import feast_serve, feasts_own, no_op_fastapi, obvious_stack, refs
from tests.bench.report import figure, write

PROCESSES = os.cpu_count() or 1
CONNECTIONS = 16 * PROCESSES
"""As many for each process as where there is one."""


def measure(settings: Settings) -> dict[str, list[Measured]]:
    """Every round of all contenders in turns; a first short round of each warms up and does not count."""
    customers, logs = customers_of(settings), settings.data_dir / "logs"
    warm(settings, customers)
    with ExitStack() as running:
        folder = Path(running.enter_context(TemporaryDirectory(dir=settings.data_dir, prefix="bench-")))
        yaml, _ = feasts_own(settings, folder, customers)
        models = boosters(settings)[-MODELS:]
        told = {"features": refs()}
        targets = {
            "no_op_fastapi": running.enter_context(no_op_fastapi(logs, PROCESSES)),
            "kairos": running.enter_context(kairos(settings, customers, processes=PROCESSES)),
            "kairos, one process": running.enter_context(kairos(settings, customers)),
            "obvious_stack": running.enter_context(obvious_stack(yaml, models, customers, logs, PROCESSES)),
            "feast_serve": running.enter_context(feast_serve(yaml, customers, logs, told, PROCESSES)),
        }
        rounds: dict[str, list[Measured]] = {name: [] for name in targets}
        for number in range(ROUNDS + 1):
            for name, target in targets.items():
                measured = ask(target, CONNECTIONS, settings.bench_s if number else 2.0)
                if number:
                    rounds[name].append(measured)
        return rounds


def tables(rounds: dict[str, list[Measured]]) -> list[str]:
    """The medians of each contender, and how many times as many requests ours answers."""
    lines = [
        f"| contender, {PROCESSES} processes, {CONNECTIONS} connections | requests/s | from–to | p50 ms | p99 ms "
        "| CPU ms | resident MB | kairos ÷ |",
        "|---|---|---|---|---|---|---|---|",
    ]
    rate = {name: median(m.per_second for m in each) for name, each in rounds.items()}
    for name, each in rounds.items():
        per_second = [m.per_second for m in each]
        p50, p99, cpu, resident = (median(getattr(m, f) for m in each) for f in FIGURES[1:5])
        lines.append(
            f"| {name} | {rate[name]:,.0f} | {min(per_second):,.0f}–{max(per_second):,.0f} | {p50:.2f} "
            f"| {p99:.2f} | {cpu:.2f} | {figure(resident)} | {rate['kairos'] / rate[name]:.3g} × |"
        )
    failed = sum(m.failed for each in rounds.values() for m in each)
    return [*lines, "", f"{failed} answers other than 200."]


def main() -> None:
    """Measure, print, and write the report."""
    settings = read_settings(os.environ)
    rounds = measure(settings)
    found = {name: [asdict(each) for each in of] for name, of in rounds.items()}
    write(settings, "cores", (), tables(rounds), found)


if __name__ == "__main__":
    main()
