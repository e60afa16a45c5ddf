"""The bundles of a source, the champion among them, and the append-only history of how it changed."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from fcntl import LOCK_EX, flock
from pathlib import Path
from typing import Any

from features.errors import ModelError
from serving.settings import Settings
from training.bundle import DOCUMENT

PROMOTE, ROLLBACK, REFUSE = "promote", "rollback", "refuse"


@dataclass(frozen=True, slots=True)
class Change:
    """One line of the history."""

    at: str
    """RFC 3339."""
    action: str
    """PROMOTE, ROLLBACK, or REFUSE, which changes nothing."""
    before: str | None
    """Version that was champion, None for the first."""
    after: str
    """Version that is champion now; of a refusal the one that was refused."""
    by: str
    reason: str
    run_id: str | None


class Versions:
    """Files under ``<data-dir>/<source>/``: ``models/``, ``champion.json`` and ``promotions.ndjson``."""

    def __init__(self, settings: Settings) -> None:
        self._models = settings.models_dir
        self._pointer = settings.source_dir / "champion.json"
        self._history = settings.source_dir / "promotions.ndjson"

    def folder(self, version: str) -> Path:
        """Where a version lies. Raises ModelError where there is none of that name."""
        folder = self._models / version
        if Path(version).name != version or not (folder / DOCUMENT).is_file():
            known = ", ".join(self.all()) or "none yet: run `make train`"
            raise ModelError(f"there is no model {version!r} in {self._models}; the models are: {known}")
        return folder

    def all(self) -> list[str]:
        """Every version, the oldest first."""
        found = list(self._models.glob(f"[!.]*/{DOCUMENT}"))
        return [path.parent.name for path in sorted(found, key=lambda path: (_created(path), path.parent.name))]

    def champion(self) -> str | None:
        """The version in service, None before the first promotion."""
        try:
            return str(json.loads(self._pointer.read_text())["version"])
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError) as error:
            raise ModelError(f"{self._pointer} names no version ({error}): remove it and promote again") from error

    def history(self) -> list[Change]:
        """Every change so far, the oldest first."""
        if not self._history.exists():
            return []
        return [_change(json.loads(line)) for line in self._history.read_text().splitlines() if line]

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Only one process at a time changes the champion."""
        self._history.parent.mkdir(parents=True, exist_ok=True)
        with self._history.open("a") as file:
            flock(file, LOCK_EX)
            yield

    def note(self, change: Change) -> None:
        """Write the history alone."""
        with self._history.open("a") as file:
            file.write(json.dumps(_line(change)) + "\n")
            file.flush()
            os.fsync(file.fileno())

    def change(self, change: Change, note: str = "") -> None:
        """Write the history, then the pointer; each is there as a whole or not at all.

        ``note`` is what every answer of the champion must say.
        """
        self.note(change)
        growing = self._pointer.with_name(f".{self._pointer.name}.{os.getpid()}")
        told = {"version": change.after, "promoted_at": change.at, "by": change.by} | ({"note": note} if note else {})
        growing.write_text(json.dumps(told))
        growing.replace(self._pointer)


def _created(document: Path) -> str:
    return str(json.loads(document.read_text()).get("created_at", ""))


def _line(change: Change) -> dict[str, Any]:
    raw = asdict(change)
    return {"from": raw.pop("before"), "to": raw.pop("after")} | raw


def _change(raw: dict[str, Any]) -> Change:
    return Change(before=raw.pop("from"), after=raw.pop("to"), **raw)
