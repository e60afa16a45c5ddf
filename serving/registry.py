"""Which model is champion, read from the pointer that promotion writes. The one file that knows where models lie."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from features.errors import ModelError
from features.vector import FEATURES
from serving.model import Bundle
from serving.score import Model
from serving.shortfall import Lack, Shortfall

Load = Callable[[Path], Model]
"""Reads the model in a folder; ModelError says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Champion:
    """The model to decide with. Without one ``shortfall`` says why; ``note`` is what every answer must say of it."""

    model: Model | None
    shortfall: Shortfall | None = None
    note: str | None = None


class Registry:
    """Follows the pointer. Reading is cheap while nothing has changed; to be used from one thread at a time."""

    def __init__(self, pointer: Path, models_dir: Path, load: Load) -> None:
        self._pointer = pointer
        self._models_dir = models_dir
        self._load = load
        self._looked: tuple[str | None, int] | None = None
        self._champion = Champion(None)

    def champion(self) -> Champion:
        """The champion of now, the very same object as before while pointer and bundle are unchanged.

        A promoted model that cannot be loaded leaves the one before it in force; a model whose pointer or folder was
        removed is no longer used.
        """
        looked = self._look()
        if looked != self._looked:
            self._champion = self._follow(looked[0])
            self._looked = looked
        return self._champion

    def _look(self) -> tuple[str | None, int]:
        """Text of the pointer, and when the bundle it names was written (0 where there is none)."""
        try:
            text = self._pointer.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            return None, 0
        version = _version(text)
        about = self._models_dir / version / "bundle.json" if version is not None else None
        try:
            return text, about.stat().st_mtime_ns if about is not None else 0
        except OSError:
            return text, 0

    def _follow(self, text: str | None) -> Champion:
        if text is None:
            remedy = "run `make train promote`"
            return Champion(None, Shortfall(Lack.MODEL_MISSING, f"There is no champion ({self._pointer}): {remedy}."))
        version = _version(text)
        if version is None:
            return self._keep("?", ModelError(f"{self._pointer} names no version: promote again"))
        folder = self._models_dir / version
        before = self._champion.model
        if not folder.is_dir() and (before is None or before.version == version):
            sentence = f"The champion {version} is gone from {self._models_dir}: promote another."
            return Champion(None, Shortfall(Lack.MODEL_MISSING, sentence))
        try:
            return Champion(self._load(folder), note=_note(text))
        except Exception as error:  # a bundle may be broken in any way, and none of them may stop the service
            return self._keep(version, error)

    def _keep(self, version: str, error: Exception) -> Champion:
        before = self._champion.model
        if before is None:
            return Champion(None, Shortfall(Lack.MODEL_UNREADABLE, f"The champion cannot be used: {error}."))
        return Champion(before, note=f"Still deciding with model {before.version}: {version} cannot be used ({error}).")


def read_bundle(folder: Path) -> Bundle:
    """The bundle in a folder, after each of its parts has scored a customer of whom nothing is known.

    Raises:
        ModelError: A file is missing or broken, or the model was fitted to another list of features.
    """
    bundle = Bundle.load(folder)
    nothing = np.full((1, len(FEATURES)), np.nan, dtype=np.float32)
    for part in bundle.parts.values():
        part.probability(nothing, [("", "", "")])
    return bundle


def _note(text: str) -> str | None:
    """What promotion found that every answer must say."""
    note = json.loads(text).get("note")
    return note if isinstance(note, str) and note else None


def _version(text: str) -> str | None:
    """The version that a pointer names; None for anything that is not the name of a folder beside the others."""
    try:
        found = json.loads(text)
    except ValueError:
        return None
    version = found.get("version") if isinstance(found, dict) else None
    return version if isinstance(version, str) and Path(version).name == version else None
