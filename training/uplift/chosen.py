"""Which learner orders customers best for an offer: by cross-validated Qini in incremental outcomes per 1,000.

No learner is best for all offers of the same data, so every offer chooses for itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from training.folds import by_customer
from training.uplift.learners import LEARNERS, Arm, Effect
from training.uplift.qini import curve


@dataclass(frozen=True, slots=True, eq=False)
class Chosen:
    """The learner of one offer, fitted to all its rows."""

    name: str
    effect: Effect
    qini: Mapping[str, float]
    """Of every learner on customers it had not seen, incremental outcomes per 1,000; 0 knows nothing."""


def choose(arm: Arm, *, seed: int) -> Chosen | None:
    """The best learner for one arm; None where there is nobody to compare with."""
    if arm.contacted.all() or not arm.contacted.any():
        return None
    lot = np.random.default_rng(seed).permutation(len(arm.outcome))
    qini = {}
    for name, learner in LEARNERS.items():
        score = np.zeros(len(arm.outcome))
        for out in by_customer(arm.customer):
            score[out] = learner(arm.where(~out), seed)(arm.X[out])
        found = curve(score[lot], arm.contacted[lot], arm.outcome[lot], arm.probability[lot])
        qini[name] = found.qini if found is not None else 0.0
    best = max(qini, key=lambda name: qini[name])
    return Chosen(best, LEARNERS[best](arm, seed), qini)


def choose_each(arms: Mapping[str, Arm], *, seed: int) -> dict[str, Chosen]:
    """The best learner for every offer that can be compared with silence."""
    found = {name: choose(arm, seed=seed) for name, arm in arms.items()}
    return {name: chosen for name, chosen in found.items() if chosen is not None}
