"""MLflow's pages over the runs and models of this folder: ``python -m training.mlflow_pages``."""

from __future__ import annotations

import os
import sys

from features.errors import KairosError
from serving.settings import Settings, read_settings

# Kairos uses none of MLflow's background jobs; they would start seven processes of 240 MB each.
WITHOUT_JOBS = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}


def mlflow_command(settings: Settings) -> list[str]:
    """The command that serves MLflow's pages."""
    return [
        *(sys.executable, "-m", "mlflow", "server"),
        *("--backend-store-uri", settings.mlflow_uri),
        *("--artifacts-destination", str(settings.mlflow_artifacts_dir.absolute())),
        *("--host", settings.host, "--port", str(settings.mlflow_port), "--workers", "1"),
    ]


def main() -> None:
    """Become the MLflow server. Exits with a message where a setting is wrong."""
    try:
        settings = read_settings(os.environ)
    except KairosError as error:
        sys.exit(str(error))
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    print(f"MLflow: http://{settings.host}:{settings.mlflow_port} (Ctrl-C ends it)", flush=True)
    command = mlflow_command(settings)
    os.execve(command[0], command, os.environ | WITHOUT_JOBS)


if __name__ == "__main__":
    main()
