"""What a job wrote, with digests, so that whoever fetches the files can tell that they are whole."""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import file_digest
from pathlib import Path
from typing import Any

from serving.jobs.folder import replace


def describe(file: Path, rows: int) -> dict[str, Any]:
    """One file of a manifest."""
    with file.open("rb") as opened:
        digest = file_digest(opened, "sha256").hexdigest()
    return {"name": file.name, "rows": rows, "bytes": file.stat().st_size, "sha256": digest}


def write(manifest: Path, about: Mapping[str, Any], files: Mapping[Path, int]) -> None:
    """Write the manifest of files and the rows in each."""
    told = {**about, "files": [describe(file, rows) for file, rows in files.items()]}
    replace(manifest, json.dumps(told, indent=1) + "\n")


def read(manifest: Path) -> dict[str, Any] | None:
    """The manifest; None while there is none."""
    if not manifest.exists():
        return None
    told: dict[str, Any] = json.loads(manifest.read_text(encoding="utf-8"))
    return told


def renew(manifest: Path, gone: Mapping[str, int]) -> None:
    """Describe the files anew after rows were erased from them: so many from the file of each name."""
    told = read(manifest)
    if told is None or not any(gone.get(each["name"]) for each in told["files"]):
        return
    files = {manifest.parent / each["name"]: each["rows"] - gone.get(each["name"], 0) for each in told.pop("files")}
    write(manifest, told, files)
