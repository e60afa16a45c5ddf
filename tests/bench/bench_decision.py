"""Whole decisions over HTTP beside their peers, all in turns in one run: ``make bench``.

Kairos decides among 100 offers on 4 channels with the champion's models; the peers are an endpoint that does nothing,
the stack that is built most often (FastAPI, Feast, three models on 400 rows), and Feast's own server, which decides
nothing. Kairos keeps to one core, as it does by default; beside it stands what it does on all of them, and what the
stack does on one. The ratios count, not the times. Writes ``bench_decision.json`` to the folder of reports.
"""

from __future__ import annotations

import json
import os
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any
from urllib.request import Request, urlopen

import lightgbm
import numpy as np
from matplotlib.figure import Figure as Picture

from serving.settings import Settings, read_settings
from tests.bench.load import HOST, Measured, Target, ask, on_one_core
from tests.bench.ours import customers_of, kairos, ready_s, warm
from tests.bench.peers import SERVICE, customer_service, feast_serve, feasts_own, no_op_fastapi, obvious_stack, refs
from tests.bench.redis import redis_server
from tests.bench.report import Figure, write

CONNECTIONS = (1, 16)
ROUNDS = 3
STAGED = 200
"""Decisions whose stages are looked at."""
MODELS = 3
"""Of the champion's, the last by name: those that the obvious stack runs."""
FIGURES = ("per_second", "p50_ms", "p99_ms", "cpu_ms", "resident_mb", "failed")
AIMS = (
    ("kairos", "obvious_stack", 15.0, 8.0),
    ("kairos", "feast_serve", 5.0, 3.0),
    ("kairos", "no_op_fastapi", 0.35, 0.15),
)
"""Requests per second of one as a multiple of another: the aim, and the least."""


def stages(target: Target) -> dict[str, float]:
    """Milliseconds of each stage of one decision after the other, as the answers tell them; medians."""
    told: dict[str, list[float]] = {}
    for body in target.bodies[:STAGED]:
        headers = {"Content-Type": "application/json"}
        with urlopen(Request(f"http://{HOST}:{target.port}{target.path}", body, headers)) as answer:
            for stage, took_ms in json.load(answer)["timings_ms"].items():
                told.setdefault(stage, []).append(took_ms)
    return {stage: median(each) for stage, each in told.items()}


def plot(result: dict[str, Any], path: Path) -> None:
    """Where the time of one decision goes, and what each contender spends on one answer."""
    figure = Picture(figsize=(10, 4), layout="constrained")
    left, right = figure.subplots(1, 2)
    parts = {stage: took for stage, took in result["stages_ms"].items() if stage != "total"}
    left.barh(list(parts), list(parts.values()), color="#0b6e4f")
    left.invert_yaxis()
    left.set_title("one decision by stage, ms (median)")
    spent = {name: of[16]["cpu_ms"] for name, of in result["median"].items()}
    right.barh(list(spent), list(spent.values()), color="#3066be")
    right.invert_yaxis()
    right.set_title("CPU time of one answer, ms (16 connections)")
    figure.savefig(path, dpi=120)


def measure(settings: Settings) -> tuple[dict[str, dict[int, list[Measured]]], dict[str, float]]:
    """Every round of all contenders in turns, and the stages of one of ours.

    A first short round of each warms up and does not count.
    """
    customers, logs = customers_of(settings), settings.data_dir / "logs"
    warm(settings, customers)
    with ExitStack() as running:
        folder = Path(running.enter_context(TemporaryDirectory(dir=settings.data_dir, prefix="bench-")))
        yaml, store = feasts_own(settings, folder, customers)
        customer_service(store)
        redis, models = running.enter_context(redis_server()), boosters(settings)[-MODELS:]
        targets = {
            "no_op_fastapi": running.enter_context(no_op_fastapi(logs)),
            "kairos": running.enter_context(kairos(settings, customers)),
            "kairos_all_cores": running.enter_context(kairos(settings, customers, one_core=False)),
            "kairos_redis": running.enter_context(kairos(settings, customers, redis)),
            "kairos_unrecorded": running.enter_context(kairos(settings, customers, dry_run=True)),
            "obvious_stack": running.enter_context(obvious_stack(yaml, models, customers, logs)),
            "obvious_stack_one_core": on_one_core(running.enter_context(obvious_stack(yaml, models, customers, logs))),
            "feast_serve": running.enter_context(feast_serve(yaml, customers, logs, {"features": refs()})),
            "feast_serve_service": running.enter_context(
                feast_serve(yaml, customers, logs, {"feature_service": SERVICE})
            ),
        }
        rounds: dict[str, dict[int, list[Measured]]] = {name: {c: [] for c in CONNECTIONS} for name in targets}
        for number in range(ROUNDS + 1):
            for connections in CONNECTIONS:
                for name, target in targets.items():
                    measured = ask(target, connections, settings.bench_s if number else 1.0)
                    if number:
                        rounds[name][connections].append(measured)
        return rounds, stages(targets["kairos"])


def found(rounds: dict[str, dict[int, list[Measured]]], stages_ms: dict[str, float]) -> dict[str, Any]:
    """Medians over the rounds with their spread, and the stages."""
    return {
        "median": {
            name: {c: {f: median(getattr(m, f) for m in each) for f in FIGURES} for c, each in of.items()}
            for name, of in rounds.items()
        },
        "per_second_from_to": {
            name: {c: [min(m.per_second for m in each), max(m.per_second for m in each)] for c, each in of.items()}
            for name, of in rounds.items()
        },
        "stages_ms": stages_ms,
        "ready_s": ready_s,
        "rounds": {name: {c: [asdict(m) for m in each] for c, each in of.items()} for name, of in rounds.items()},
    }


def figures(middle: dict[str, dict[int, dict[str, float]]]) -> list[Figure]:
    """What is aimed at, at 16 connections; the tail as a multiple of that of doing nothing."""
    ratios = [
        Figure(
            f"requests/s: {one} ÷ {other}, 16 connections",
            middle[one][16]["per_second"] / middle[other][16]["per_second"],
            aim,
            least,
        )
        for one, other, aim, least in AIMS
    ]
    tail = {name: of[16]["p99_ms"] / of[16]["p50_ms"] for name, of in middle.items()}
    failed = sum(m["failed"] for of in middle.values() for m in of.values())
    return [
        *ratios,
        Figure("p99 ÷ p50: kairos ÷ no_op_fastapi, 16 connections", tail["kairos"] / tail["no_op_fastapi"], 2, 2, True),
        Figure("answers other than 200", failed, 0, 0, True, ""),
        Figure("start to ready, warm cache", min(ready_s[1:]), 8, 8, True, "s"),
    ]


def tables(result: dict[str, Any]) -> list[str]:
    """The medians, and the stages of one decision."""
    lines = [
        "| contender | connections | requests/s | from–to | p50 ms | p99 ms | CPU ms | resident MB |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, of in result["median"].items():
        for c, m in of.items():
            low, high = result["per_second_from_to"][name][c]
            lines.append(
                f"| {name} | {c} | {m['per_second']:,.0f} | {low:,.0f}–{high:,.0f} | {m['p50_ms']:.2f} "
                f"| {m['p99_ms']:.2f} | {m['cpu_ms']:.2f} | {m['resident_mb']:,.0f} |"
            )
    lines += ["", "| stage of one decision | ms |", "|---|---|"]
    return lines + [f"| {stage} | {took_ms:.2f} |" for stage, took_ms in result["stages_ms"].items()]


def boosters(settings: Settings) -> list[Path]:
    """The files of the champion's models, by name."""
    version = json.loads((settings.source_dir / "champion.json").read_text())["version"]
    return sorted((settings.models_dir / version).glob("*.txt"))


def drivers(settings: Settings) -> tuple[list[str], Figure]:
    """The ten most important features of each of the champion's models; how many of those that are raced know the pair.

    A model knows the pair where the customer's past with it is among these. Those of other kinds are only listed.
    """
    lines, known = ["", "| model | keyed | ten most important of its features |", "|---|---|---|"], []
    for file in boosters(settings):
        booster = lightgbm.Booster(model_file=file)
        names, gain = booster.feature_name(), booster.feature_importance("gain")
        ten = [names[place] for place in np.argsort(-gain)[:10]]
        known.append(any(name.startswith(("category_", "offer_", "channel_")) for name in ten))
        lines.append(f"| {file.stem} | {'yes' if known[-1] else 'no'} | {', '.join(ten)} |")
    raced = known[-MODELS:]
    what = f"raced models with the customer's past with the pair among their ten most important, of {len(raced)}"
    return lines, Figure(what, sum(raced), len(raced), len(raced), unit="")


def main() -> None:
    """Measure, print, and write the report."""
    settings = read_settings(os.environ)
    told, keyed = drivers(settings)
    result = found(*measure(settings))
    settings.reports_dir.mkdir(parents=True, exist_ok=True)
    plot(result, settings.reports_dir / "bench_decision.png")
    write(settings, "decision", [*figures(result["median"]), keyed], [*tables(result), *told], result)


if __name__ == "__main__":
    main()
