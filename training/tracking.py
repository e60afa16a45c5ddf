"""Runs and models in MLflow, named so that people find their way. The only file that knows MLflow."""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "WARNING")
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
import mlflow
import pandas as pd
from matplotlib.figure import Figure
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, DataType, Schema

from features.vector import FEATURES
from serving.model import Bundle
from serving.settings import Settings

ROOT = Path(__file__).resolve().parents[1]
CHAMPION = "champion"
CHALLENGER = "challenger"
BUNDLE_TAG = "bundle"
KEYS = ("part", "kind", "offer_id", "category", "channel")


def registered_name(source: str) -> str:
    """The name under which the models of a source of data are registered."""
    return f"kairos-{source}"


def _connect(settings: Settings) -> None:
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    for noisy in ("mlflow", "alembic", "mlflow.store.db.utils"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    warnings.filterwarnings("ignore", module="mlflow")
    mlflow.set_tracking_uri(settings.mlflow_uri)
    mlflow.set_registry_uri(settings.mlflow_uri)


@contextmanager
def run(
    settings: Settings, purpose: str, name: str, description: str, tags: Mapping[str, str]
) -> Iterator[mlflow.ActiveRun]:
    """A run in the experiment "Kairos <source>: <purpose>", ended when the block ends, failed when it raises."""
    _connect(settings)
    experiment = f"Kairos {settings.source}: {purpose}"
    known = mlflow.get_experiment_by_name(experiment)
    if known is None:
        folder = settings.mlflow_artifacts_dir.absolute()
        number = mlflow.create_experiment(experiment, artifact_location=folder.as_uri())
    else:
        number = known.experiment_id
    with mlflow.start_run(experiment_id=number, run_name=name, description=description, tags=dict(tags)) as active:
        yield active


def log_parameters(parameters: Mapping[str, object]) -> None:
    """What the run depends on."""
    mlflow.log_params({name: str(value) for name, value in parameters.items()})


def log_metrics(metrics: Mapping[str, float | None]) -> None:
    """What was measured; undefined numbers are left out."""
    mlflow.log_metrics({name: float(value) for name, value in metrics.items() if value is not None})


def log_figure(figure: Figure, path: str) -> None:
    """A picture among the run's files."""
    mlflow.log_figure(figure, path, save_kwargs={"dpi": 110})


def log_text(text: str, path: str) -> None:
    """A text among the run's files."""
    mlflow.log_text(text, path)


def log_json(document: Mapping[str, Any], path: str) -> None:
    """A JSON document among the run's files."""
    mlflow.log_dict(dict(document), path)


def log_files(folder: Path, path: str) -> None:
    """A folder among the run's files."""
    mlflow.log_artifacts(str(folder), path)


def synthetic_example(bundle: Bundle) -> pd.DataFrame:
    """One invented row per part: a customer of whom nothing is known, on no real offer."""
    blank = {f.name: 0.0 for f in FEATURES}
    rows = [
        {"part": str(name), "kind": kind, "offer_id": "example", "category": "", "channel": "", **blank}
        for name, kind in bundle.parts
    ]
    return pd.DataFrame(rows)


def register(settings: Settings, bundle: Bundle, folder: Path, description: str) -> str:
    """Log the bundle as a model with signature and example, register it, and return its number in the registry."""
    inputs = [ColSpec(DataType.string, key) for key in KEYS]
    inputs += [ColSpec(DataType.double, f.name, required=False) for f in FEATURES]
    packages = [f"{name}=={version(name)}" for name in ("numpy", "pandas", "lightgbm")]
    info = mlflow.pyfunc.log_model(
        name="model",
        python_model=str(ROOT / "training" / "served_model.py"),
        artifacts={"bundle": str(folder)},
        code_paths=[str(ROOT / "features"), str(ROOT / "serving")],
        signature=ModelSignature(Schema(inputs), Schema([ColSpec(DataType.double, "probability")])),
        input_example=synthetic_example(bundle),
        pip_requirements=packages,
        registered_model_name=registered_name(settings.source),
    )
    client = mlflow.MlflowClient()
    number = str(info.registered_model_version)
    name = registered_name(settings.source)
    client.set_model_version_tag(name, number, BUNDLE_TAG, bundle.version)
    client.update_model_version(name, number, description)
    return number


def move_champion(settings: Settings, bundle_version: str) -> str | None:
    """Point the champion's alias at the registered model of a bundle, see ``move_alias``."""
    return move_alias(settings, bundle_version, CHAMPION)


def move_alias(settings: Settings, bundle_version: str, alias: str) -> str | None:
    """Point an alias at the registered model of a bundle; its number, None where the registry does not know it."""
    _connect(settings)
    client, name = mlflow.MlflowClient(), registered_name(settings.source)
    for found in client.search_model_versions(f"name = '{name}'"):
        if found.tags.get(BUNDLE_TAG) == bundle_version:
            client.set_registered_model_alias(name, alias, found.version)
            return str(found.version)
    return None


def flat(prefix: str, document: Mapping[str, Any], names: Sequence[str]) -> dict[str, float | None]:
    """Metrics by name out of nested numbers; a value with bounds gives ``name``, ``name_low`` and ``name_high``."""
    found: dict[str, float | None] = {}
    for name in names:
        value = document[name]
        if isinstance(value, list):
            for ending, number in zip(("", "_low", "_high"), value, strict=True):
                found[f"{prefix}.{name}{ending}"] = number
        else:
            found[f"{prefix}.{name}"] = value
    return found
