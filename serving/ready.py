"""A model made ready for the pairs of one assortment: the same probabilities without a row for each pair.

Trees ask each test once for all pairs that share its answer, see ``trees.scorer``; the linear half adds up what each
factor contributes; what experience with a pair adds is known beforehand. Equal to ``Part.probability`` to 1e-12.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.vector import COLUMNS, FEATURES
from serving import loops
from serving.assortment import KEYED, OWN, STILL, Assortment, Factors
from serving.linear import FAR, Linear
from serving.model import Part, PartName, about_of
from serving.prediction import sigmoid
from serving.trees.prepared import CUSTOMER, Prepared
from serving.trees.scorer import STATIC, Scorer

Floats = NDArray[np.float64]
_GROUPS = [
    CUSTOMER if feature.group in OWN else feature.group.value if feature.group in KEYED else STATIC
    for feature in FEATURES
]
_OWN = np.concatenate([np.arange(COLUMNS[group].place.start, COLUMNS[group].place.stop) for group in OWN])


class Ready:
    """Parts of one kind of offer, ready for all pairs of an assortment. Slow to make; threads may share it."""

    def __init__(self, parts: Mapping[PartName, Part], assortment: Assortment) -> None:
        self.assortment = assortment
        self.names = tuple(parts)
        held = list(parts.values())
        self._slope = np.array([[part.slope] for part in held])
        self._shift = np.array([part.intercept + _shifts(name, part, assortment) for name, part in parts.items()])
        self._typical = {name: _typical(name, part, assortment) for name, part in parts.items()}
        self._trees = _Trees(held, assortment)
        self._lines = _Lines(held, assortment)

    def probabilities(self, factors: Factors) -> dict[PartName, Floats]:
        """The calibrated probabilities of every pair, ``[n_pairs]`` by part.

        ``factors`` have to be of this assortment.
        """
        raw = self._lines.score(factors)
        self._trees.add(factors, raw)
        found = sigmoid(self._slope * raw + self._shift)
        return dict(zip(self.names, found, strict=True))

    def typical(self) -> dict[PartName, Floats]:
        """The same for somebody of whom nothing is known."""
        return self._typical


def _shifts(name: PartName, part: Part, assortment: Assortment) -> Floats:
    return part.shifts(about_of(name, assortment.pairs))


def _typical(name: PartName, part: Part, assortment: Assortment) -> Floats:
    return part.typical.probability(about_of(name, assortment.pairs))


class _Trees:
    """The boosted halves of all parts."""

    def __init__(self, parts: Sequence[Part], assortment: Assortment) -> None:
        grown = [(n, part, part.booster) for n, part in enumerate(parts) if part.booster is not None and part.blend > 0]
        self._rows = [n for n, *_ in grown]
        self._all = len(grown) == len(parts)
        self._blend = np.array([[part.blend] for _, part, _ in grown])
        self._prepared: Prepared | None = None
        if grown:
            names = [feature.name for feature in FEATURES]
            scorer = Scorer([booster.forest.over(names, part.places.tolist()) for _, part, booster in grown], _GROUPS)
            keys = {group.value: assortment.place[group] for group in KEYED}
            self._prepared = scorer.prepare(assortment.still, keys)

    def add(self, factors: Factors, raw: Floats) -> None:
        """Add the blended scores to ``raw``, float64 ``[n_parts, n_pairs]``."""
        if self._prepared is not None:
            scores = self._prepared.score_flat(factors.flat)
            scores *= self._blend
            if self._all:
                raw += scores
            else:
                raw[self._rows] += scores


class _Lines:
    """The linear halves of all parts: what each column of a factor contributes, added up by key, then by pair."""

    def __init__(self, parts: Sequence[Part], assortment: Assortment) -> None:
        lines = [_Line.of(part) for part in parts]
        self._rest = np.array([line.share(assortment.still, STILL) + line.intercept for line in lines])
        columns, target, keys, first = [_OWN], [np.zeros(len(_OWN), dtype=np.int64)], [], 1
        for group in KEYED:
            place, n = COLUMNS[group].place, len(assortment.keys[group])
            columns.append(np.repeat(np.arange(place.start, place.stop), n))
            target.append(np.tile(np.arange(first, first + n), COLUMNS[group].width))
            keys.append(assortment.place[group] + first)
            first += n
        flat = np.concatenate(columns)
        weight = np.array([line.weight[flat] for line in lines])
        impute, mean, scale = (
            np.array([values[flat] for values in each]) for each in zip(*(line.scales for line in lines), strict=True)
        )
        unknown, nothing = (np.clip((each - mean) / scale, -FAR, FAR) * weight for each in (impute, 0.0))
        heavy = np.flatnonzero((weight != 0).any(axis=0))
        self._tables = (heavy, np.concatenate(target), unknown, nothing, mean, scale, weight, FAR)
        self._n_sums, self._keys = first, np.array(keys)

    def score(self, factors: Factors) -> Floats:
        """The blended linear scores, float64 ``[n_parts, n_pairs]``."""
        out, sums = np.empty_like(self._rest), np.empty((len(self._rest), self._n_sums))
        loops.add_lines(factors.flat, *self._tables, sums, self._keys, self._rest, out)
        return out


@dataclass(frozen=True)
class _Line:
    """The linear half of a part over all of FEATURES; columns that it lacks weigh nothing. Arrays ``[n_features]``."""

    scales: tuple[Floats, Floats, Floats]
    """What stands for unknown, mean, scale."""
    weight: Floats
    """Coefficients times the share of this half."""
    intercept: float

    @staticmethod
    def of(part: Part) -> _Line:
        """Weights of zero where the part has no linear half."""
        n, line, share = len(FEATURES), part.linear, 1.0 - part.blend
        impute, mean, scale, weight = np.zeros(n), np.zeros(n), np.ones(n), np.zeros(n)
        if line is None or share <= 0:
            return _Line((impute, mean, scale), weight, 0.0)
        for whole, own in ((impute, line.impute), (mean, line.mean), (scale, line.scale), (weight, share * line.coef)):
            whole[part.places] = own
        return _Line((impute, mean, scale), weight, share * line.intercept)

    def share(self, X: NDArray[np.float32], columns: slice) -> Floats:
        """What these columns contribute, ``[n]``."""
        impute, mean, scale = (values[columns] for values in self.scales)
        part = Linear(impute, mean, scale, self.weight[columns], 0.0)
        return part.raw(X)
