"""Judge policies on a log with known probabilities: a page, pictures, numbers, and a run in MLflow."""

from __future__ import annotations

import json
from typing import Any

from serving.settings import Settings
from training import tracking
from training.fit import Resources
from training.policy_value.folder import Folder
from training.policy_value.judge import Judged, judge
from training.policy_value.pictures import uplift_figure, values_figure
from training.policy_value.policies import score
from training.policy_value.report import numbers, page


def evaluate_policies(settings: Settings, folder: Folder) -> dict[str, Any]:
    """Print the page, draw, log; the numbers that were written to ``<data-dir>/reports/policies_<source>.json``."""
    found = score(folder.trial, Resources(settings.threads, settings.seed))
    judged = judge(found, settings.seed)
    told, text = numbers(folder, found, judged), page(folder, found, judged)
    print(text, flush=True)
    name = f"policies_{settings.source}"
    pictures = settings.reports_dir / name
    pictures.mkdir(parents=True, exist_ok=True)
    title = f"Policies on {settings.source}, {len(folder.trial):,} decisions"
    values_figure(judged, title).savefig(pictures / "values.png", dpi=110)
    uplift_figure(judged, title).savefig(pictures / "uplift.png", dpi=110)
    (pictures / "page.txt").write_text(text)
    file = settings.reports_dir / f"{name}.json"
    file.write_text(json.dumps(told, indent=1))
    _log(settings, told, judged, pictures)
    print(f"\nnumbers: {file}; pictures: {pictures}")
    return told


def _log(settings: Settings, told: dict[str, Any], judged: Judged, pictures: Any) -> None:
    words = "What policies would have earned on a log with known probabilities, and what the gate would serve."
    tags = {"source": settings.source, "stage": "policies"}
    with tracking.run(settings, "policies", f"{settings.source}: policies", words, tags):
        tracking.log_parameters({key: told[key] for key in ("data_fingerprint", "decisions", "customers", "outcome")})
        for name, worth in judged.worth.items():
            key = "".join(c if c.isalnum() else "_" for c in name)
            found = (
                {"value": worth.robust.value, "low": worth.robust.low, "high": worth.robust.high}
                if worth.robust
                else {}
            )
            tracking.log_metrics({f"{key}.{metric}": number for metric, number in found.items()})
        tracking.log_json(told, "policies.json")
        tracking.log_files(pictures, "pictures")
