"""``make evaluate``: the model and three baselines on later decisions, with intervals, for people and as JSON.

Where decisions carry their probabilities, policies are judged too: see :mod:`training.policy_value`.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from features.catalogue import Catalogue
from features.errors import KairosError
from features.vector import vector_fingerprint
from serving.settings import Settings, read_settings
from training import tracking
from training.contest import MODEL, Contest, compete, probability
from training.fit import Resources
from training.plots import drivers_figure, quality_figure, shares_figure
from training.policy_value.evaluate import evaluate_policies
from training.policy_value.folder import checked, read
from training.policy_value.logged import probabilities_known
from training.protocol import Task, tasks
from training.summary import aligned, numbers, table

DRAWS = 1_000


def evaluate(settings: Settings) -> dict[str, Any]:
    """Judge, print, draw, log; the report that was written to ``<data-dir>/reports/evaluate_<source>.json``.

    Raises KairosError where features are missing or the data are not what the protocol knows.
    """
    if not settings.catalogue_file.exists():
        raise KairosError(f"{settings.catalogue_file} is missing: run `make features SOURCE={settings.source}` first")
    catalogue = Catalogue.from_json(settings.catalogue_file.read_text())
    report: dict[str, Any] = {
        "source": settings.source,
        "data_fingerprint": catalogue.fingerprint,
        "schema_fingerprint": vector_fingerprint(),
        "seed": settings.seed,
        "draws": DRAWS,
        "tasks": {},
    }
    folder = settings.reports_dir / f"evaluate_{settings.source}"
    resources = Resources(settings.threads, settings.seed)
    for task in tqdm(tasks(settings, catalogue), desc="evaluate", unit="task", disable=None):
        contest = compete(task.part, task.kind, task.learnt, task.test, resources, n_draws=DRAWS)
        found = {"note": task.note, "meaning": task.words, **numbers(contest), "apart": apart(task, contest)}
        report["tasks"][task.key] = found
        print(f"\n{task.words}\n{task.note}\n{table(contest)}\n{_by(found)}", flush=True)
        _draw(folder, task, contest, found, settings.seed)
    file = settings.reports_dir / f"evaluate_{settings.source}.json"
    file.write_text(json.dumps(report, indent=1, allow_nan=False))
    _log(settings, report, folder)
    print(f"\nnumbers: {file}; pictures: {folder}")
    return report


def apart(task: Task, contest: Contest) -> list[dict[str, Any]]:
    """Per offer whose window goes beyond the data: mean predicted beside what was seen so far."""
    if task.apart is None or not len(task.apart):
        return []
    said = probability(contest.part, task.apart)
    found = []
    for offer in sorted(set(task.apart.offers.tolist())):
        of = task.apart.offers == offer
        found.append(
            {
                "name": offer,
                "rows": int(of.sum()),
                "taken": int(task.apart.taken[of].sum()),
                "mean_predicted": float(np.mean(said[of])),
                "mean_observed": float(task.apart.taken[of].mean()),
            }
        )
    return found


def _by(found: Mapping[str, Any]) -> str:
    lines: list[str] = []
    for words, rows in (
        ("by channel", found["by_channel"]),
        ("by offer", found["by_offer"][:12]),
        ("apart: window beyond the data, outcomes as far as seen", found["apart"]),
    ):
        if rows:
            head = (words, "rows", "positive", "predicted", "observed")
            body = [
                (
                    row["name"] or "none",
                    *(f"{row[count]:,}" for count in ("rows", "taken")),
                    *(f"{row[mean]:.3f}" for mean in ("mean_predicted", "mean_observed")),
                )
                for row in rows
            ]
            lines += aligned([head, *body])
    return "\n".join(lines)


def _draw(folder: Path, task: Task, contest: Contest, found: Mapping[str, Any], seed: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    shares = {
        by: {r["name"] or "none": (r["mean_predicted"], r["mean_observed"], r["rows"]) for r in found[f"by_{by}"]}
        for by in ("channel", "offer")
    }
    quality_figure(contest, task.words).savefig(folder / f"{task.key}.quality.png", dpi=110)
    drivers_figure(contest, f"What drives it: {task.words}", seed).savefig(folder / f"{task.key}.drivers.png", dpi=110)
    for by, rows in shares.items():
        shares_figure(rows, task.words).savefig(folder / f"{task.key}.by_{by}.png", dpi=110)


def _log(settings: Settings, report: dict[str, Any], folder: Path) -> None:
    words = (
        "The model beside popularity, logistic regression and plain LightGBM, on decisions later than all learnt from."
    )
    name = f"{settings.source} judged on later decisions"
    with tracking.run(settings, "evaluation", name, words, {"source": settings.source, "stage": "evaluate"}):
        tracking.log_parameters(
            {key: report[key] for key in ("data_fingerprint", "schema_fingerprint", "seed", "draws")}
            | {f"protocol.{key}": found["note"] for key, found in report["tasks"].items()}
        )
        for key, found in report["tasks"].items():
            for contender, measured in found["contenders"].items():
                prefix = key if contender == MODEL else f"{key}.{contender.replace(' ', '_')}"
                tracking.log_metrics(tracking.flat(prefix, measured, tuple(measured)))
        tracking.log_json(report, "report.json")
        tracking.log_files(folder, "pictures")


def evaluate_source(settings: Settings) -> None:
    """Everything the source allows: policies where probabilities are known, models where features were computed.

    Raises KairosError where neither can be judged.
    """
    apart = checked(settings)
    known = probabilities_known(apart.contract_dir)
    if known:
        folder = read(apart)
        evaluate_policies(settings, folder)
    if not known or _features_are_of(settings, apart):
        evaluate(settings)


def _features_are_of(settings: Settings, apart: Settings) -> bool:
    """Whether features were computed for the very data that were judged."""
    if not settings.catalogue_file.exists():
        return False
    manifest = json.loads((apart.contract_dir / "manifest.json").read_text())
    return Catalogue.from_json(settings.catalogue_file.read_text()).fingerprint == str(manifest["fingerprint"])


def main(arguments: Sequence[str] | None = None) -> None:
    """Evaluate ``--source`` or ``KAIROS_SOURCE``. Exits with a message where that cannot be done."""
    parser = argparse.ArgumentParser(description="Judge the model beside its baselines on later decisions.")
    parser.add_argument("--source", help="complete_journey, starbucks or files; default: KAIROS_SOURCE")
    chosen = parser.parse_args(arguments)
    environ = dict(os.environ) | ({"KAIROS_SOURCE": chosen.source} if chosen.source else {})
    try:
        with threadpool_limits(1, "blas"):
            evaluate_source(read_settings(environ))
    except KairosError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
