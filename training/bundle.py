"""Writes a model as the folder that serving reads: text, numbers and what a reader of its answers must know."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from features.vector import vector_fingerprint
from serving.model import FORMS, Bundle, Parts

DOCUMENT = "bundle.json"
PREDICTIONS = "predictions.parquet"
"""What was said of every judged row, beside the model; serving does not read it."""


def write_bundle(folder: Path, parts: Parts, about: Mapping[str, Any]) -> Bundle:
    """Write the parts and ``bundle.json``; the folder appears as a whole. Returns it as serving reads it back.

    ``about`` must have ``version`` and ``source``. Raises FileExistsError when the folder is there already.
    """
    if folder.exists():
        raise FileExistsError(f"{folder} exists: a version is written once")
    growing = folder.with_name(f".{folder.name}")
    shutil.rmtree(growing, ignore_errors=True)
    growing.mkdir(parents=True)
    entries = []
    for (name, kind), part in parts.items():
        file = f"{name}.{_safe(kind)}"
        part.write(growing, file)
        entries.append({"part": str(name), "kind": kind, "file": file})
    document = {**about, "form": FORMS[-1], "fingerprint": vector_fingerprint(), "parts": entries}
    (growing / DOCUMENT).write_text(json.dumps(document, indent=1, allow_nan=False))
    growing.rename(folder)
    return Bundle.load(folder)


def _safe(kind: str) -> str:
    """A kind of offer as part of a file's name."""
    return "".join(c if c.isalnum() or c in "-_" else f"%{ord(c):x}" for c in kind)
