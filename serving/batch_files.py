"""Removes an erased customer from the batch files. Their format is training's: its process rewrites them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from features.errors import KairosError
from serving.journal.erasure import Known
from serving.settings import Settings

MODULE = "training.erasure"
TIME_S = 600.0
ENDINGS = frozenset({".csv", ".ndjson", ".parquet"})


class FilesLeftError(KairosError):
    """The batch files still hold the customer."""


class BatchFiles:
    """The batch files of one journal's source, of what was written out of that journal, and of the models' runs."""

    def __init__(self, settings: Settings, anywhere: Callable[[], AbstractContextManager[None]] = nullcontext) -> None:
        """What is started within ``anywhere`` may run on every core."""
        self._settings, self._anywhere = settings, anywhere

    def forget(self, known: Known) -> None:
        """Remove every row of a customer; each file is replaced as a whole.

        Raises:
            FilesLeftError: They could not be rewritten, as where the training part is not installed.
        """
        folders = [str(folder.absolute()) for folder in self._folders() if any(map(_told, folder.rglob("*.*")))]
        if not folders:
            return
        names = [[name.namespace, name.value] for name in known.names]
        asked = json.dumps(
            {
                "folders": folders,
                "customer_ids": sorted(known.customer_ids),
                "names": names,
                "online": self._settings.online,
            }
        )
        # What is asked goes through a pipe: the arguments of a process are for all to read.
        try:
            with self._anywhere():
                done = subprocess.run(
                    [sys.executable, "-m", MODULE],
                    input=asked,
                    text=True,
                    capture_output=True,
                    timeout=TIME_S,
                    check=False,
                )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise FilesLeftError(
                f"the batch files could not be rewritten ({type(error).__name__}): try again"
            ) from None
        if done.returncode:
            reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
            raise FilesLeftError(
                f"the batch files could not be rewritten ({reason}): erase where the training part is installed"
            )

    def _folders(self) -> Iterator[Path]:
        yield self._settings.origin_dir
        # MLflow's copies of bundles hold what was predicted for whom.
        for bundle in self._settings.mlflow_artifacts_dir.rglob("bundle.json"):
            if json.loads(bundle.read_text(encoding="utf-8"))["source"] in (self._settings.origin, "journal"):
                yield bundle.parent
        written = self._settings.data_dir / "journal"
        manifest = written / "contract" / "manifest.json"
        if manifest.exists() and json.loads(manifest.read_text())["source"] == written_of(self._settings):
            yield written


def _told(file: Path) -> bool:
    """True for a file that may name customers."""
    return file.suffix in ENDINGS


def written_of(settings: Settings) -> str:
    """How a folder calls itself that was written out of the journal of these settings."""
    return f"journal of {settings.origin}"
