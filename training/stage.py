"""The stages from data to champion, and which of them have nothing new to do.

A stage is a module run in a process of its own, so that its memory is given back. It is skipped when everything it
reads is as it was when it last ran and what it wrote is still there; once one stage runs, all later ones do.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path

from serving.settings import Settings
from training.history import open_journal

ROOT = Path(__file__).resolve().parents[1]
WITHOUT_EFFECT = frozenset(
    {
        "clock",
        "host",
        "port",
        "mlflow_port",
        "deadline_ms",
        "model_poll_s",
        "threads",
        "proof_size",
        "bench_s",
        "monitor_days",
        "monitor_least",
        "monitor_psi",
        "monitor_calibration",
        "monitor_fallback",
        "monitor_coverage",
        "prices_per_day",
        "prices_horizon_days",
        "challenger",
    }
)
"""Settings that change nothing of what a stage writes."""


@dataclass(frozen=True, slots=True)
class Stage:
    """One step on the way to a champion."""

    name: str
    module: str
    code: tuple[str, ...]
    """Folders and files of this repository whose change makes the stage run again."""
    output: str
    """What it leaves under the source's folder when all went well."""
    own_output: bool = True
    """True when a change of the output from outside makes the stage run again; the champion may be changed by hand."""
    fills_journal: bool = False
    """True when the stage runs again where there is no journal."""


FEATURES_CODE = (
    "features",
    "feature_repo",
    "serving",
    "training/engine.py",
    "training/feature_store.py",
    "training/histories.py",
    "training/history.py",
    "training/materialise.py",
    "training/offered.py",
)
STAGES = (
    Stage(
        "data",
        "training.import_data",
        (
            "features",
            "training/import_data.py",
            "training/manifest.py",
            "training/history.py",
            "training/journal_log.py",
        ),
        "contract/manifest.json",
    ),
    Stage("features", "training.materialise", FEATURES_CODE, "feast/registry.db"),
    Stage("train", "training.train", ("training",), "models", own_output=False),
    Stage("promote", "training.promote", (), "champion.json", own_output=False),
)


def _code(stage: Stage) -> Iterator[Path]:
    for name in stage.code:
        path = ROOT / name
        yield from sorted(path.rglob("*.py")) if path.is_dir() else [path]


def _source_files(settings: Settings) -> Iterator[str]:
    if settings.source == "journal":
        with closing(open_journal(settings)) as journal:
            yield f"journal {journal.position()}"
    folder = settings.starbucks if settings.source == "starbucks" else settings.files
    if settings.source != "complete_journey" and folder is not None and folder.is_dir():
        for file in sorted(folder.iterdir()):
            yield f"{file.name} {file.stat().st_size} {file.stat().st_mtime_ns}"


def reads(stage: Stage, settings: Settings) -> str:
    """A digest of what the result depends on besides the stages before: code, lock file, settings, source."""
    digest = hashlib.sha256(stage.module.encode())
    chosen = {name: str(value) for name, value in asdict(settings).items() if name not in WITHOUT_EFFECT}
    digest.update(json.dumps(chosen, sort_keys=True).encode())
    for file in (*_code(stage), ROOT / "requirements.lock"):
        digest.update(file.read_bytes())
    for line in _source_files(settings):
        digest.update(line.encode())
    return digest.hexdigest()


def _has_journal(settings: Settings) -> bool:
    """False where the journal's file was deleted: values that include it would be of no journal."""
    return settings.journal is not None or (settings.origin_dir / "journal.db").exists()


class Ledger:
    """What each stage last read, kept beside what it wrote."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._file = settings.source_dir / "stages.json"

    def _all(self) -> dict[str, str]:
        return json.loads(self._file.read_text()) if self._file.exists() else {}

    def _mark(self, stage: Stage) -> str:
        output = self._settings.source_dir / stage.output
        return f"{reads(stage, self._settings)} {output.stat().st_mtime_ns if stage.own_output else ''}"

    def is_done(self, stage: Stage) -> bool:
        """True when the stage would write what is already there."""
        if not (self._settings.source_dir / stage.output).exists():
            return False
        if stage.fills_journal and not _has_journal(self._settings):
            return False
        return self._all().get(stage.name) == self._mark(stage)

    def note(self, stage: Stage) -> None:
        """Remember that the stage has just run. FileNotFoundError when it left no output."""
        self._file.write_text(json.dumps(self._all() | {stage.name: self._mark(stage)}, indent=2))


def run_stages(settings: Settings, stages: tuple[Stage, ...] = STAGES) -> None:
    """Run every stage that has something to do, printing its time. Exits with a stage's own code where it fails."""
    ledger = Ledger(settings)
    anew = False
    for stage in stages:
        anew = anew or not ledger.is_done(stage)
        if not anew:
            print(f"── {stage.name}: nothing has changed", flush=True)
            continue
        print(f"── {stage.name}", flush=True)
        started = time.monotonic()
        ran = subprocess.run([sys.executable, "-m", stage.module], check=False)
        if ran.returncode:
            sys.exit(ran.returncode)
        ledger.note(stage)
        print(f"── {stage.name}: {time.monotonic() - started:.0f} s", flush=True)
