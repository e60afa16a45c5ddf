"""Scores of all pairs of one customer: LightGBM, LightGBM compiled to C by tl2cgen, and ours: ``make bench``.

All answer the same requests in turns, in the same run, on one thread; LightGBM and tl2cgen get their matrix ready made.
The model has 60 columns: of the customer, of the customer's past with the category, the offer, the channel and the
hour, and of content. tl2cgen is installed into an environment of its own under the data folder, where it can be.
Writes ``bench_scoring.json`` and ``bench_scoring.png`` to the folder of reports.
"""

from __future__ import annotations

import os
import subprocess
import time
import venv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
from numpy.typing import NDArray

from serving.settings import read_settings
from serving.trees.forest import Forest
from serving.trees.scorer import Scorer
from tests.bench.made_up import GROUPS, NAMES, Catalogue, Request
from tests.bench.report import Figure, write

Matrix = NDArray[np.float32]
Seconds = tuple[float, float]

REQUESTS = 40
ROUNDS = 12
CURVE = (10, 25, 50, 100, 250, 500, 1250, 2500, 5000)
CURVE_ROUNDS = 5
TL2CGEN = """
import json, sys, time
import numpy as np, tl2cgen, treelite
text, library, rows, scores = sys.argv[1:]
model = treelite.frontend.load_lightgbm_model(text)
tl2cgen.export_lib(model, toolchain="gcc", libpath=library, params={"parallel_comp": 16})
predictor = tl2cgen.Predictor(library, nthread=1)
requests = [tl2cgen.DMatrix(np.ascontiguousarray(each)) for each in np.load(rows)]
answers = [predictor.predict(each, pred_margin=True).ravel() for each in requests]
np.save(scores, np.stack(answers))
print("ready", flush=True)
for number in map(int, sys.stdin):
    wall, cpu = time.perf_counter(), time.process_time()
    predictor.predict(requests[number], pred_margin=True)
    print(time.perf_counter() - wall, time.process_time() - cpu, flush=True)
"""


def trained(rng: np.random.Generator, n_trees: int) -> lightgbm.Booster:
    """A model in which the customer's past with category, offer, channel and hour matters much."""
    rows = []
    for _ in range(150):
        catalogue = Catalogue.of(rng, 50)
        rows.append(np.vstack([Request.of(rng, 50).rows(catalogue)[rng.integers(0, 200, 24)] for _ in range(10)]))
    X = np.vstack(rows)
    z = dict(zip(NAMES, np.log1p(np.nan_to_num(X)).T, strict=True))
    eta = (
        0.8 * z["category_0"] - 0.5 * z["category_2"] + 0.6 * z["offer_0"] + 0.3 * z["offer_2"] * z["category_0"]
        + 0.5 * z["channel_0"] * (z["static_1"] > 0.7) + 0.6 * np.cos(z["moment_0"] * 2) + 0.5 * z["moment_1"]
        + 0.4 * z["static_0"] * z["customer_0"] - 0.3 * z["static_2"] + 0.3 * z["customer_3"] + 0.4 * z["static_8"]
        + 0.2 * np.sin(z["customer_5"] * 3) + rng.normal(0, 0.5, len(X))
    )  # fmt: skip
    y = rng.random(len(X)) < 1 / (1 + np.exp(eta.mean() + 1 - eta))
    chosen = {
        "objective": "binary",
        "num_leaves": 31,
        "learning_rate": 0.05,
        "num_threads": 1,
        "verbose": -1,
        "seed": 1,
    }
    return lightgbm.train(chosen, lightgbm.Dataset(X, y, feature_name=NAMES), n_trees)


class Tl2cgen:
    """A process with the compiled model; it times itself, so that talking to it does not count."""

    def __init__(self, python: Path, folder: Path, booster: lightgbm.Booster, rows: NDArray[np.float64]) -> None:
        text, library, ready, self._scores = (
            folder / "model.txt",
            folder / "model.so",
            folder / "rows.npy",
            folder / "scores.npy",
        )
        booster.save_model(text)
        np.save(ready, rows)
        self._process = subprocess.Popen(
            [python, "-c", TL2CGEN, text, library, ready, self._scores],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        while (line := self._line()) != "ready\n":
            if not line:
                raise OSError("tl2cgen did not compile the model")

    def _line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline()

    def answers(self) -> NDArray[np.float64]:
        return np.asarray(np.load(self._scores))

    def seconds(self, request: int) -> Seconds:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{request}\n")
        self._process.stdin.flush()
        wall, cpu = map(float, self._line().split())
        return wall, cpu

    def close(self) -> None:
        self._process.communicate()


def tl2cgen_python(folder: Path) -> Path | str:
    """Python of an environment with tl2cgen; otherwise why there is none."""
    python = folder / "bin" / "python"
    try:
        if not python.exists():
            venv.create(folder, with_pip=True)
        command = [
            python,
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "treelite<5",
            "tl2cgen==1.0.0",
        ]
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        return f"not installed ({error})"
    return python


def seconds(ask: Callable[[], object]) -> Seconds:
    """Wall time and CPU time of one call. The latter is not lengthened by neighbours on the machine."""
    wall, cpu = time.perf_counter(), time.process_time()
    ask()
    return time.perf_counter() - wall, time.process_time() - cpu


def spread(found: list[Seconds]) -> dict[str, float]:
    wall, cpu = np.array(found).T * 1e6
    low, median, high = np.percentile(wall, [10, 50, 90])
    return {
        "p10_us": round(low, 1),
        "p50_us": round(median, 1),
        "p90_us": round(high, 1),
        "cpu_us": round(float(np.median(cpu)), 1),
    }


def ratios(slow: list[Seconds], fast: list[Seconds]) -> dict[str, float]:
    """How many times as fast, by the median wall time and by the median CPU time."""
    wall, cpu = np.median(slow, axis=0) / np.median(fast, axis=0)
    return {"wall": round(float(wall), 1), "cpu": round(float(cpu), 1)}


def measure(
    booster: lightgbm.Booster, n_offers: int, rounds: int, rival: Path | str | None, folder: Path
) -> dict[str, Any]:
    """All contenders on one catalogue, in turns."""
    rng = np.random.default_rng(7)
    catalogue = Catalogue.of(rng, n_offers)
    prepared = Scorer([Forest.parse(booster.model_to_string())], GROUPS).prepare(catalogue.static(), catalogue.keys())
    requests = [Request.of(rng, n_offers) for _ in range(REQUESTS)]
    few = requests[: max(2, min(REQUESTS, 80_000 // prepared.n_pairs))]
    rows = np.stack([each.rows(catalogue).astype(np.float64) for each in few])
    theirs = [booster.predict(each, raw_score=True, num_threads=1) for each in rows]
    worst = max(
        float(np.abs(prepared.score(each.customer, each.keyed)[0] - score).max())
        for each, score in zip(few, theirs, strict=True)
    )
    compiled = Tl2cgen(rival, folder, booster, rows) if isinstance(rival, Path) else None
    times: dict[str, list[Seconds]] = {"ours": [], "lightgbm": [], "tl2cgen": []}
    for turn in range(rounds):
        number = turn % len(few)
        times["lightgbm"].append(seconds(lambda X=rows[number]: booster.predict(X, raw_score=True, num_threads=1)))
        if compiled is not None:
            times["tl2cgen"] += [compiled.seconds(each) for each in (number, (number + 1) % len(few))]
        prepared.score(requests[0].customer, requests[0].keyed)
        times["ours"] += [seconds(lambda each=each: prepared.score(each.customer, each.keyed)) for each in requests]
    answer = {
        "pairs": prepared.n_pairs,
        "trees": booster.num_trees(),
        "largest_difference": worst,
        **{name: spread(found) for name, found in times.items() if found},
        "times_lightgbm": ratios(times["lightgbm"], times["ours"]),
    }
    if compiled is not None:
        answer["tl2cgen_largest_difference"] = float(np.abs(compiled.answers() - np.stack(theirs)).max())
        answer["times_tl2cgen"] = ratios(times["tl2cgen"], times["ours"])
        compiled.close()
    return answer


def draw(curve: list[dict[str, Any]], path: Path) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 4), layout="constrained")
    time_axes, ratio_axes = figure.subplots(1, 2)
    pairs = [each["pairs"] for each in curve]
    for name in ("lightgbm", "ours"):
        time_axes.loglog(pairs, [each[name]["cpu_us"] for each in curve], marker="o", label=name)
    ratio_axes.semilogx(pairs, [each["times_lightgbm"]["cpu"] for each in curve], marker="o")
    time_axes.set(xlabel="pairs", ylabel="µs of CPU per request, median", title="300 trees of 31 leaves")
    ratio_axes.set(xlabel="pairs", ylabel="times as fast as Booster.predict (CPU)", ylim=(0, None))
    time_axes.legend()
    figure.savefig(path, dpi=120)


def tell(name: str, found: dict[str, Any]) -> None:
    rivals = [
        f"{found[key]['wall']} × {label} (CPU {found[key]['cpu']} ×)"
        for key, label in (("times_lightgbm", "LightGBM"), ("times_tl2cgen", "tl2cgen"))
        if key in found
    ]
    print(
        f"{name}: {found['pairs']} pairs × {found['trees']} trees in {found['ours']['p50_us']} µs "
        f"({found['ours']['p10_us']}–{found['ours']['p90_us']}), {', '.join(rivals)}; "
        f"largest difference {found['largest_difference']:.1e}"
    )


def main() -> None:
    settings = read_settings(os.environ)
    folder = settings.data_dir / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    settings.reports_dir.mkdir(parents=True, exist_ok=True)
    rival = tl2cgen_python(folder / "tl2cgen")
    boosters = {n: trained(np.random.default_rng(1), n) for n in (300, 500)}
    gain = boosters[300].feature_importance("gain")
    request = measure(boosters[300], 100, ROUNDS, rival, folder)
    large = measure(boosters[500], 500, ROUNDS, rival, folder)
    tell("one request", request)
    tell("large catalogue", large)
    curve = []
    for n_offers in CURVE:
        curve.append(measure(boosters[300], n_offers, CURVE_ROUNDS, None, folder))
        tell("curve", curve[-1])
    draw(curve, settings.reports_dir / "bench_scoring.png")
    found = {
        "most_important": [NAMES[column] for column in np.argsort(-gain)[:10]],
        "tl2cgen": "1.0.0" if isinstance(rival, Path) else rival,
        "request": request,
        "large": large,
        "curve": curve,
    }
    figures = [
        Figure("scoring 400 pairs × 300 trees: Booster.predict ÷ ours", request["times_lightgbm"]["cpu"], 50, 25),
        Figure("scoring 2,000 pairs × 500 trees: Booster.predict ÷ ours", large["times_lightgbm"]["cpu"], 70, 35),
        Figure("largest difference of a score", request["largest_difference"], 1e-12, 1e-12, True, ""),
    ]
    if "times_tl2cgen" in request:
        figures.append(Figure("scoring 400 pairs: tl2cgen ÷ ours", request["times_tl2cgen"]["cpu"], 18, 8))
    lines = ["| pairs | trees | LightGBM, CPU µs | ours, CPU µs | times |", "|---|---|---|---|---|"]
    lines += [
        f"| {each['pairs']:,} | {each['trees']} | {each['lightgbm']['cpu_us']:,.0f} | {each['ours']['cpu_us']:,.0f} "
        f"| {each['times_lightgbm']['cpu']} |"
        for each in (*curve, large)
    ]
    lines += ["", f"ten most important columns: {', '.join(found['most_important'])}"]
    write(settings, "scoring", figures, lines, found)


if __name__ == "__main__":
    main()
