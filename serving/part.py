"""One part of a model: trees, coefficients and calibration, read without any of the training stack.

p = sigmoid(slope · (blend · trees + (1 − blend) · linear) + intercept + shift of the offer on the channel)
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.errors import ModelError
from serving.booster import Booster
from serving.columns import PLACES
from serving.linear import Linear
from serving.pairs import Pair
from serving.prediction import TakenApart, shifts, sigmoid
from serving.typical import OfferPair, Typical

Matrix = NDArray[np.float32]
Floats = NDArray[np.float64]


class PartName(StrEnum):
    """What one part of a model predicts."""

    CHANNEL_RESPONSE = "channel_response"
    """Noticing the contact. Absent where the data record no views."""
    OFFER_RESPONSE = "offer_response"
    """Taking the offer once it was noticed; where the data record no views, taking it after a contact."""
    ORGANIC = "organic"
    """Buying what the offer is for without any contact. Pairs have no channel here: ask with ``""``."""
    PERSUASION = "persuasion"
    """Buying because of the contact, once it was noticed, where one would not have bought anyway. Stands in for the
    offer response: q = p₀ + (1 − p₀)·π."""


def about_of(name: PartName, pairs: Sequence[Pair]) -> list[OfferPair]:
    """How a part files pairs: without a contact there is no channel on which anything could differ."""
    return [
        (pair.offer.offer_id, pair.offer.category, "" if name is PartName.ORGANIC else pair.channel.name)
        for pair in pairs
    ]


@dataclass(frozen=True)
class Part:
    """One calibrated probability."""

    features: tuple[str, ...]
    """Names of the columns it reads, in the order of trees and coefficients."""
    booster: Booster | None
    linear: Linear | None
    blend: float
    """Weight of the trees, 0–1; the linear half has the rest."""
    slope: float = 1.0
    intercept: float = 0.0
    intercepts: Mapping[str, float] = field(default_factory=dict)
    """Shift on the logit scale by ``pair_key``; 0 for pairs that are not here."""
    typical: Typical = field(default_factory=Typical)
    """For somebody of whom nothing is known: a history of zeros would be a claim, not ignorance."""

    @cached_property
    def places(self) -> NDArray[np.intp]:
        """Where its columns stand in FEATURES."""
        return np.array([PLACES[name] for name in self.features], dtype=np.intp)

    def columns(self, X: Matrix) -> Matrix:
        """Its own columns ``[n, n_own]`` of whole vectors ``[n, n_features]``."""
        return np.ascontiguousarray(X[:, self.places])

    def raw(self, X: Matrix) -> Floats:
        """The blended score on the logit scale before calibration, ``[n]``.

        Args:
            X: float32 ``[n, n_features]``, whole vectors in the order of FEATURES.
        """
        own = self.columns(X)
        score = np.zeros(len(own))
        if self.booster is not None and self.blend > 0:
            score += self.blend * self.booster.raw(own)
        if self.linear is not None and self.blend < 1:
            score += (1.0 - self.blend) * self.linear.raw(own)
        return score

    def shifts(self, pairs: Sequence[OfferPair]) -> Floats:
        """What experience with each offer on each channel adds on the logit scale, ``[n]``."""
        return shifts(self.intercepts, pairs)

    def probability(self, X: Matrix, pairs: Sequence[OfferPair]) -> Floats:
        """Calibrated probabilities ``[n]`` of whole vectors ``[n, n_features]`` for these pairs."""
        return sigmoid(self.slope * self.raw(X) + self.intercept + self.shifts(pairs))

    def taken_apart(self, X: Matrix, pairs: Sequence[OfferPair]) -> TakenApart:
        """The prediction taken apart."""
        own, width = self.columns(X), len(self.features) + 1
        trees = linear = np.zeros((len(own), width))
        if self.booster is not None and self.blend > 0:
            trees = self.slope * self.blend * self.booster.contributions(own)
        if self.linear is not None and self.blend < 1:
            linear = self.slope * (1.0 - self.blend) * self.linear.contributions(own)
        return TakenApart(own, self.raw(X), trees, linear, self.shifts(pairs))

    def contributions(self, X: Matrix) -> Floats:
        """What each own column adds to the calibrated score on the logit scale, ``[n, n_own + 1]``.

        The last column is what is the same for all. Rows add up to ``slope · raw + intercept``, without the shifts.
        """
        own = self.columns(X)
        parts = np.zeros((len(own), len(self.features) + 1))
        if self.booster is not None and self.blend > 0:
            parts += self.blend * self.booster.contributions(own)
        if self.linear is not None and self.blend < 1:
            parts += (1.0 - self.blend) * self.linear.contributions(own)
        parts *= self.slope
        parts[:, -1] += self.intercept
        return parts

    def write(self, folder: Path, name: str) -> None:
        """Write ``<name>.json`` and, with trees, ``<name>.txt`` into the folder."""
        document = {
            "features": list(self.features),
            "blend": self.blend,
            "linear": None if self.linear is None else self.linear.to_dict(),
            "calibration": {"slope": self.slope, "intercept": self.intercept},
            "intercepts": dict(self.intercepts),
            "typical": self.typical.to_dict(),
        }
        (folder / f"{name}.json").write_text(json.dumps(document, indent=1))
        if self.booster is not None:
            (folder / f"{name}.txt").write_text(self.booster.text)

    @staticmethod
    def of(raw: Mapping[str, Any], trees: Path) -> Part:
        """What ``write`` wrote, from its document and where its trees would lie.

        Raises:
            ModelError: It is no part, or reads what is no feature.
        """
        file = trees.with_suffix(".json")
        try:
            part = Part(
                tuple(raw["features"]),
                Booster.read(trees) if raw["blend"] > 0 or trees.exists() else None,
                None if raw["linear"] is None else Linear.from_dict(raw["linear"]),
                float(raw["blend"]),
                float(raw["calibration"]["slope"]),
                float(raw["calibration"]["intercept"]),
                {key: float(shift) for key, shift in raw["intercepts"].items()},
                Typical.from_dict(raw["typical"]),
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise ModelError(f"{file} lacks {error}: train again, or promote another") from error
        unknown = [column for column in part.features if column not in PLACES]
        if unknown:
            raise ModelError(f"{file} reads {unknown[0]!r}, which is no feature: train again")
        return part
