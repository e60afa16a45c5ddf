"""What each feature adds to a prediction, exactly: on the logit scale the terms add up to the predicted probability.

The trees' terms are Shapley values (Lundberg et al., From local explanations to global understanding with explainable
AI for trees, 2020); the linear half is a sum already. Both are shown with their weights applied, so that a reader adds
up what is listed and nothing else::

    log-odds = start + Σ (trees + linear) of features + experience
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from serving.grouped_part import GroupedPart
from serving.pairs import Pair
from serving.part import Part, PartName, about_of
from serving.score import Model


@dataclass(frozen=True, slots=True)
class Added:
    """What one feature adds."""

    feature: str
    value: float
    """What the model saw; NaN where it is unknown, which counts as well."""
    trees: float
    """By the trees, log-odds."""
    linear: float
    """By the linear half, log-odds."""

    @property
    def together(self) -> float:
        """By both."""
        return self.trees + self.linear


@dataclass(frozen=True, slots=True)
class Explained:
    """One prediction for one pair, taken apart."""

    part: PartName
    raw: float
    """Score of the blended halves before calibration, log-odds, as the service computes it."""
    calibrated: float
    """``slope · raw + intercept + experience``: the log-odds of the prediction."""
    mean_of_trees: float
    """The same for everybody, as are the next two; weighted and calibrated, log-odds."""
    intercept_of_linear: float
    intercept_of_calibration: float
    experience: float
    """What became of contacts with this very offer on this channel adds beyond the features."""
    weight_of_trees: float
    """Blend: the linear half has the rest."""
    slope: float
    """Of the calibration, by which both halves are multiplied."""
    added: tuple[Added, ...]
    """Every feature that adds anything, the strongest first."""

    @property
    def start(self) -> float:
        """What is the same for everybody."""
        return self.mean_of_trees + self.intercept_of_linear + self.intercept_of_calibration

    @property
    def total(self) -> float:
        """The sum of all that is listed: equal to ``calibrated``."""
        return self.start + sum(each.together for each in self.added) + self.experience


def log_odds(probability: float) -> float:
    """The logarithm of the odds; of what is all but certain, that of odds of a million million to one."""
    p = min(max(probability, 1e-12), 1.0 - 1e-12)
    return math.log(p / (1.0 - p))


def contributions(
    model: Model, kind: str, pairs: Sequence[Pair], seen: NDArray[np.float32]
) -> list[tuple[Explained, ...]]:
    """For each pair what every part of the model predicts, taken apart; parts that are no trees explain nothing.

    Args:
        model: The model.
        kind: The kind of all pairs.
        pairs: The pairs.
        seen: Their vectors, float32 ``[n_pairs, n_features]``.
    """
    found = [part for name in PartName if (part := _explained(model, name, kind, pairs, seen)) is not None]
    return [tuple(part[row] for part in found) for row in range(len(pairs))]


def _explained(
    model: Model, name: PartName, kind: str, pairs: Sequence[Pair], seen: NDArray[np.float32]
) -> list[Explained] | None:
    part = model.part(name, kind)
    if not isinstance(part, Part | GroupedPart):
        return None
    found = part.taken_apart(seen, about_of(name, pairs))
    return [
        Explained(
            part=name,
            raw=float(found.raw[row]),
            calibrated=float(part.slope * found.raw[row] + part.intercept + found.shifts[row]),
            mean_of_trees=float(found.trees[row, -1]),
            intercept_of_linear=float(found.linear[row, -1]),
            intercept_of_calibration=part.intercept,
            experience=float(found.shifts[row]),
            weight_of_trees=part.blend if part.booster is not None else 0.0,
            slope=part.slope,
            added=_added(part.features, found.seen[row], found.trees[row], found.linear[row]),
        )
        for row in range(len(pairs))
    ]


def _added(
    features: Sequence[str], seen: NDArray[np.float32], trees: NDArray[np.float64], linear: NDArray[np.float64]
) -> tuple[Added, ...]:
    listed = [
        Added(name, float(seen[place]), float(trees[place]), float(linear[place]))
        for place, name in enumerate(features)
        if trees[place] or linear[place]
    ]
    return tuple(sorted(listed, key=lambda each: (-abs(each.together), each.feature)))
