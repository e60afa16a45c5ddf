"""The model beside its baselines: learnt from the same rows, judged on the same later ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from serving.part import PartName
from serving.prediction import TakenApart, sigmoid
from serving.typical import OfferPair
from training.boosting import fit_plain_trees
from training.dataset import Dataset
from training.fit import Choice, Resources, fit, own
from training.inputs import columns
from training.popularity import popularity
from training.quality import Quality, judge
from training.regression import fit_linear

Floats = NDArray[np.float64]
MODEL, POPULARITY, LOGISTIC, PLAIN = "Kairos", "popularity", "logistic regression", "plain LightGBM"
BASELINES = (POPULARITY, LOGISTIC, PLAIN)


class Judgeable(Protocol):
    """What can be judged and taken apart."""

    @property
    def features(self) -> tuple[str, ...]:
        """Names of what it reads."""
        ...

    def probability(self, X: NDArray[np.float32], pairs: Sequence[OfferPair]) -> Floats:
        """Probabilities ``[n]`` of whole vectors of pairs."""
        ...

    def taken_apart(self, X: NDArray[np.float32], pairs: Sequence[OfferPair]) -> TakenApart:
        """The predictions taken apart."""
        ...


@dataclass(frozen=True)
class Contest:
    """What each contender said of the test rows, and how good it was."""

    name: PartName
    kind: str
    part: Judgeable
    choice: Choice
    learnt: Dataset
    test: Dataset
    said: Mapping[str, Floats]
    """Probabilities ``[n_test]`` by contender."""
    quality: Mapping[str, Quality]


def compete(
    name: PartName, kind: str, learnt: Dataset, test: Dataset, resources: Resources, *, n_draws: int
) -> Contest:
    """Fit all four contenders to ``learnt`` and judge them on ``test``, which must not be empty.

    Raises TooFewError where there is too little to learn from.
    """
    part, choice = fit(name, learnt, resources)
    return contest(name, kind, part, choice, learnt, test, resources, n_draws=n_draws)


def contest(
    name: PartName,
    kind: str,
    part: Judgeable,
    choice: Choice,
    learnt: Dataset,
    test: Dataset,
    resources: Resources,
    *,
    n_draws: int,
) -> Contest:
    """Judge what was learnt elsewhere beside the baselines, which are fitted to ``learnt``."""
    with resources.spent.on("baselines"):
        said = {MODEL: probability(part, test), **baselines(name, learnt, test, resources)}
    with resources.spent.on("intervals of the metrics"):
        quality = judge(test.judged(), said, n_draws=n_draws, seed=resources.seed)
    return Contest(name, kind, part, choice, learnt, test, said, quality)


def probability(part: Judgeable, rows: Dataset) -> Floats:
    """What the part says of every row, ``[n]``."""
    return part.probability(rows.X, rows.pairs())


def baselines(name: PartName, learnt: Dataset, test: Dataset, resources: Resources) -> dict[str, Floats]:
    """What the baselines say of ``test``: popularity knows the offers only, the others see the model's own columns."""
    names = columns(name, learnt.X)
    X, later = own(names, learnt), own(names, test)
    linear = fit_linear(X, learnt.taken, learnt.weight, softness=1.0)
    plain = fit_plain_trees(X, learnt.taken, learnt.weight, names, seed=resources.seed, threads=1)
    return {
        POPULARITY: popularity(learnt.pairs(), learnt.taken, learnt.weight).probability(test.pairs()),
        LOGISTIC: sigmoid(linear.raw(later)),
        PLAIN: sigmoid(plain.raw(later)),
    }
