"""A model as data: its parts in one folder, and what a reader of its answers must know."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from features.errors import ModelError
from features.vector import vector_fingerprint
from serving.grouped_part import GroupedPart
from serving.part import Part, PartName
from serving.prediction import pair_key

FORMS = (1, 2)
"""Forms of bundles that are read: 2 may hold grouped parts, persuasion, and the price of attention."""
Parts = Mapping[tuple[PartName, str], Part | GroupedPart]
"""By part and kind of offer."""


def linked(parts: Parts) -> Parts:
    """Parts that read p₀ with the part that predicts it. Raises ModelError where there is none."""
    return {key: _linked(key[1], part, parts) for key, part in parts.items()}


def _linked(kind: str, part: Part | GroupedPart, parts: Parts) -> Part | GroupedPart:
    if isinstance(part, Part) or not part.sheet.asks_organic:
        return part
    organic = parts.get((PartName.ORGANIC, kind))
    if not isinstance(organic, GroupedPart):
        raise ModelError(f"a part for offers of kind {kind!r} reads p₀, which no part predicts: train again")
    return replace(part, organic=organic)


def _part(folder: Path, name: str) -> Part | GroupedPart:
    raw, trees = _document(folder / f"{name}.json"), folder / f"{name}.txt"
    if "groups" not in raw:
        return Part.of(raw, trees)
    try:
        return GroupedPart.of(raw, trees)
    except (KeyError, TypeError, AttributeError) as error:
        raise ModelError(f"{folder / name}.json lacks {error}: train again, or promote another") from error


def _document(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise ModelError(f"the model file {path} cannot be read ({error}): train again, or promote another") from error
    if not isinstance(found, dict):
        raise ModelError(f"the model file {path} holds no object: train again, or promote another")
    return found


@dataclass(frozen=True)
class Bundle:
    """All parts of one version, with what a reader of its answers must know."""

    version: str
    source: str
    about: Mapping[str, Any]
    """``bundle.json`` as it stands: fingerprints, kinds, channels learnt, summary."""
    parts: Parts

    def worth(self, kind: str) -> Mapping[str, float] | None:
        """What each pair earned in the log beyond silence, by ``pair_key``, minor units, where everybody is judged by
        that; None where the parts judge."""
        arms = self.about.get("constant", {}).get(kind)
        if arms is None:
            return None
        return {pair_key(str(arm["offer_id"]), str(arm["channel"])): float(arm["value_minor"]) for arm in arms}

    def realised(self, kind: str) -> float:
        """Share (0–1) of what the parts promise of their favourites that later came about, see
        ``training/parts/realised.py``; 1 where it was not learnt."""
        return float(self.about.get("realised", {}).get(kind, 1.0))

    @property
    def attention(self) -> Mapping[str, Any] | None:
        """What was learnt of attention, see ``serving.patience``; None where nothing was."""
        return self.about.get("attention")

    @property
    def notices_known(self) -> bool:
        """True when the data recorded whether contacts were noticed."""
        return bool(self.about.get("notices_known", False))

    def part(self, name: PartName, kind: str) -> Part | GroupedPart | None:
        """The part for offers of this kind; None where the data did not allow it."""
        return self.parts.get((name, kind))

    @staticmethod
    def load(folder: Path) -> Bundle:
        """The bundle in a folder.

        Raises:
            ModelError: A file is missing or broken, or the model was fitted to another list of features.
        """
        about = _document(folder / "bundle.json")
        if about.get("fingerprint") != vector_fingerprint():
            raise ModelError(
                f"the model in {folder} was fitted to features {about.get('fingerprint')}, this code computes "
                f"{vector_fingerprint()}: train again, or run the code it was trained with"
            )
        if (form := about.get("form", 1)) not in FORMS:
            raise ModelError(f"the model in {folder} has form {form}, this code reads {FORMS}: run newer code")
        try:
            parts = {
                (PartName(entry["part"]), str(entry["kind"])): _part(folder, str(entry["file"]))
                for entry in about["parts"]
            }
            return Bundle(str(about["version"]), str(about["source"]), about, linked(parts))
        except (KeyError, TypeError) as error:
            raise ModelError(f"{folder / 'bundle.json'} lacks {error}: train again, or promote another") from error
        except ValueError as error:
            if isinstance(error, ModelError):
                raise
            raise ModelError(f"{folder / 'bundle.json'}: {error}: train again, or promote another") from error
