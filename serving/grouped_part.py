"""A part whose linear half differs between groups of pairs, and which may read what another part says.

p = sigmoid(slope · (blend · trees + (1 − blend) · linear of the group) + intercept + shift), held within bounds
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from features.errors import ModelError
from serving.booster import Booster
from serving.columns import Told
from serving.grouped import Grouped
from serving.prediction import Floats, Matrix, TakenApart, shifts, sigmoid
from serving.sheet import Index, Sheet, texts
from serving.typical import OfferPair, Typical


@dataclass(frozen=True)
class GroupedPart:
    """One probability."""

    sheet: Sheet
    booster: Booster | None
    """Over ``sheet.names``."""
    linear: Grouped
    """Over ``sheet.columns``."""
    blend: float
    """Weight of the trees, 0–1."""
    slope: float = 1.0
    intercept: float = 0.0
    intercepts: Mapping[str, float] = field(default_factory=dict)
    """Shift on the logit scale by ``pair_key``."""
    typical: Typical = field(default_factory=Typical)
    bounds: tuple[float, float] = (0.0, 1.0)
    """Between which probabilities are held."""
    organic: GroupedPart | None = None
    """Where p₀ is among the columns: the part that predicts it."""

    @property
    def features(self) -> tuple[str, ...]:
        """Names of what it reads."""
        return self.sheet.names

    def told(self, X: Matrix, pairs: Sequence[OfferPair]) -> Told:
        """What the columns of these pairs follow from."""
        organic = None
        if self.organic is not None:
            organic = self.organic.probability(X, [(offer, category, "") for offer, category, _ in pairs])
        return Told.of(X, *texts(pairs), organic)

    def raw(self, X: Matrix, pairs: Sequence[OfferPair]) -> Floats:
        """The blended score before calibration, ``[n]``, of whole vectors ``[n, n_features]``."""
        return self._raw(*self._read(X, pairs))

    def probability(self, X: Matrix, pairs: Sequence[OfferPair]) -> Floats:
        """Probabilities ``[n]`` of whole vectors ``[n, n_features]`` for these pairs."""
        return self.finished(self.raw(X, pairs), self.shifts(pairs))

    def finished(self, raw: Floats, shifted: Floats) -> Floats:
        """Probabilities of raw scores and shifts, ``[n]`` each."""
        return np.clip(sigmoid(self.slope * raw + self.intercept + shifted), *self.bounds)

    def shifts(self, pairs: Sequence[OfferPair]) -> Floats:
        """What experience with each offer on each channel adds on the logit scale, ``[n]``."""
        return shifts(self.intercepts, pairs)

    def taken_apart(self, X: Matrix, pairs: Sequence[OfferPair]) -> TakenApart:
        """The prediction taken apart."""
        own, group = self._read(X, pairs)
        seen = self.sheet.wide(own, group)
        trees, linear = np.zeros((len(own), seen.shape[1] + 1)), np.zeros((len(own), seen.shape[1] + 1))
        if self.booster is not None and self.blend > 0:
            trees = self.slope * self.blend * self.booster.contributions(seen)
        if self.blend < 1:
            share = self.slope * (1.0 - self.blend) * self.linear.contributions(own, group)
            linear[:, : own.shape[1]], linear[:, -1] = share[:, :-1], share[:, -1]
        return TakenApart(seen, self._raw(own, group), trees, linear, self.shifts(pairs))

    def _read(self, X: Matrix, pairs: Sequence[OfferPair]) -> tuple[Matrix, Index]:
        told = self.told(X, pairs)
        return self.sheet.own(X, told), self.sheet.grouped(told)

    def _raw(self, own: Matrix, group: Index) -> Floats:
        score = np.zeros(len(own))
        if self.booster is not None and self.blend > 0:
            score += self.blend * self.booster.raw(self.sheet.wide(own, group))
        if self.blend < 1:
            score += (1.0 - self.blend) * self.linear.raw(own, group)
        return score

    def write(self, folder: Path, name: str) -> None:
        """Write ``<name>.json`` and, with trees, ``<name>.txt`` into the folder. ``organic`` is written by itself."""
        document = {
            "columns": list(self.sheet.columns),
            "by": self.sheet.by,
            "groups": list(self.sheet.groups),
            "linear": self.linear.to_dict(),
            "blend": self.blend,
            "calibration": {"slope": self.slope, "intercept": self.intercept},
            "intercepts": dict(self.intercepts),
            "typical": self.typical.to_dict(),
            "bounds": list(self.bounds),
        }
        (folder / f"{name}.json").write_text(json.dumps(document, indent=1))
        if self.booster is not None:
            (folder / f"{name}.txt").write_text(self.booster.text)

    @staticmethod
    def of(raw: Mapping[str, Any], trees: Path) -> GroupedPart:
        """What ``write`` wrote, from its document and where its trees would lie; without ``organic``."""
        sheet = Sheet(tuple(raw["columns"]), str(raw["by"]), tuple(raw["groups"]))
        if sheet.by not in ("category", "channel") or not sheet.groups:
            raise ModelError(f"{trees.with_suffix('.json')} groups by {sheet.by!r}, not by category or channel")
        if len(sheet.features) + len(sheet.others) != len(sheet.columns):
            raise ModelError(f"{trees.with_suffix('.json')} names a column twice: train again")
        low, high = raw["bounds"]
        return GroupedPart(
            sheet,
            Booster.read(trees) if raw["blend"] > 0 else None,
            Grouped.from_dict(raw["linear"]),
            float(raw["blend"]),
            float(raw["calibration"]["slope"]),
            float(raw["calibration"]["intercept"]),
            {key: float(shift) for key, shift in raw["intercepts"].items()},
            Typical.from_dict(raw["typical"]),
            (float(low), float(high)),
        )
