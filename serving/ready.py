"""A model made ready for the pairs of one assortment: the same probabilities without a row for each pair.

Trees ask each test once for all pairs that share its answer, see ``trees.scorer``; the linear half adds up what each
factor contributes; what experience with a pair adds is known beforehand. Equal to ``Part.probability`` to 1e-12.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.vector import COLUMNS, FEATURES
from serving.assortment import KEYED, OWN, STILL, Assortment, Factors
from serving.kernels.parts import SPAN, Room, probabilities
from serving.kernels.parts import Parts as Laid
from serving.linear import FAR, Linear
from serving.part import Part, PartName, about_of
from serving.trees.kernels.tables import Ints, addresses
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
        grown = [n for n, part in enumerate(held) if part.booster is not None and part.blend > 0]
        self._trees = _trees([held[n] for n in grown], assortment) if grown else None
        self._typical = {name: _typical(name, part, assortment) for name, part in parts.items()}
        shift = np.array([part.intercept + _shifts(name, part, assortment) for name, part in parts.items()])
        self._parts = _laid_out(held, shift, grown, assortment)
        self._shape = shift.shape
        self._own = threading.local()

    def probabilities(self, factors: Factors) -> dict[PartName, Floats]:
        """The calibrated probabilities of every pair, ``[n_pairs]`` by part.

        ``factors`` have to be of this assortment.
        """
        out = np.empty(self._shape)
        forests, word = (_NO_TREES, _NO_WORD) if self._trees is None else (self._trees.tables(), self._trees.word)
        probabilities(self._tables(), forests, word, factors.flat, out)
        return dict(zip(self.names, out, strict=True))

    def typical(self) -> dict[PartName, Floats]:
        """The same for somebody of whom nothing is known."""
        return self._typical

    def _tables(self) -> Ints:
        """Addresses of what the parts are and of room for one customer, each thread its own."""
        try:
            tables: Ints = self._own.tables
        except AttributeError:
            n_parts, n_pairs = self._shape
            widest = max(int(self._parts.spans.reshape(-1, SPAN)[:, 1].max(initial=0)), len(_OWN))
            self._own.room = Room(
                np.empty(widest), np.empty(n_parts * int(self._parts.sizes[2])), np.empty(n_parts * n_pairs)
            )
            tables = self._own.tables = addresses(self._parts, self._own.room)
        return tables


_NO_TREES, _NO_WORD = np.empty(0, dtype=np.int64), np.empty(0, dtype=np.uint32)


def _shifts(name: PartName, part: Part, assortment: Assortment) -> Floats:
    return part.shifts(about_of(name, assortment.pairs))


def _typical(name: PartName, part: Part, assortment: Assortment) -> Floats:
    return part.typical.probability(about_of(name, assortment.pairs))


def _trees(parts: Sequence[Part], assortment: Assortment) -> Prepared:
    """The boosted halves."""
    names = [feature.name for feature in FEATURES]
    forests = [part.booster.forest.over(names, part.places.tolist()) for part in parts if part.booster is not None]
    keys = {group.value: assortment.place[group] for group in KEYED}
    return Scorer(forests, _GROUPS).prepare(assortment.still, keys)


def _laid_out(parts: Sequence[Part], shift: Floats, grown: Sequence[int], assortment: Assortment) -> Laid:
    """The linear halves over the factors, and everything that is added to them; the slope of calibration applied."""
    lines = [_Line.of(part) for part in parts]
    slope = np.array([part.slope for part in parts])
    rest = np.array([line.share(assortment.still, STILL) + line.intercept for line in lines])
    _, *keyed = assortment.laid_out
    own = [(place, column) for place, column in enumerate(_OWN.tolist()) if _heavy(lines, column)]
    spans, keys, first = list[tuple[int, int, int, int]](), [], 1
    for group, (where, (n_keys, _)) in zip(KEYED, keyed, strict=True):
        for number, column in enumerate(range(COLUMNS[group].place.start, COLUMNS[group].place.stop)):
            if _heavy(lines, column):
                spans.append((where.start + number * n_keys, n_keys, first, column))
        keys.append(assortment.place[group] + first)
        first += n_keys
    weighted = [
        line.scale(column, part.slope) for *_, column in (*own, *spans) for line, part in zip(lines, parts, strict=True)
    ]
    return Laid(
        np.array([len(parts), len(assortment.pairs), first, len(keys), len(_OWN)], dtype=np.int64),
        np.array([place for place, _ in own], dtype=np.int64),
        np.array([span for *span, _ in spans], dtype=np.int64).ravel(),
        np.array(weighted, dtype=np.float64).ravel(),
        np.array([FAR]),
        np.concatenate(keys).astype(np.int64),
        (slope[:, None] * rest + shift).ravel(),
        np.array([part.slope * part.blend for part in parts]),
        np.array([grown.index(n) if n in grown else -1 for n in range(len(parts))], dtype=np.int64),
    )


def _heavy(lines: Sequence[_Line], column: int) -> bool:
    return any(line.weight[column] != 0.0 for line in lines)


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

    def scale(self, column: int, slope: float) -> tuple[float, float, float, float]:
        """What an unknown value contributes, the mean, one through the standard deviation, and the weight."""
        impute, mean, scale = (float(values[column]) for values in self.scales)
        weight = slope * float(self.weight[column])
        return min(max((impute - mean) / scale, -FAR), FAR) * weight, mean, 1.0 / scale, weight

    def share(self, X: NDArray[np.float32], columns: slice) -> Floats:
        """What these columns contribute, ``[n]``."""
        impute, mean, scale = (values[columns] for values in self.scales)
        part = Linear(impute, mean, scale, self.weight[columns], 0.0)
        return part.raw(X)
