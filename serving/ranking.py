"""Pairs in the order of their score, beside silence, which scores 0."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple, overload

import numpy as np
from numpy.typing import NDArray

from features.domain import ChannelName, Instant
from features.quick import quick
from features.state import Floats
from serving.pairs import Pair
from serving.score import Chances, Terms, Value


@quick(frozen=True, slots=True)
class Judged:
    """Eligible pairs with what was found of each; arrays are ``[n_pairs]``."""

    pairs: Sequence[Pair]
    chances: Chances
    value: Value
    terms: Terms
    moments: NDArray[np.int64]
    """The best moment of each pair."""
    score: Floats
    """What they are ranked by, minor units; minus infinity where it is undefined."""
    total: Floats
    """Expected value beyond that of silence, before what the policy makes of it."""

    @staticmethod
    def of(pairs: Sequence[Pair], chances: Chances, value: Value, terms: Terms, moments: NDArray[np.int64]) -> Judged:
        """The pairs, scored by their value and what the policy makes of it."""
        total = value.total
        score = terms.score(total)
        return Judged(pairs, chances, value, terms, moments, np.fmax(score, -np.inf), total)


class Components(NamedTuple):
    """What the score of one pair adds up from, minor units; costs are negative."""

    margin: float
    incentive: float
    unnoticed_incentive: float
    contact_cost: float
    attention: float
    weighting: float
    lever: float
    scarcity: float


class Scored(NamedTuple):
    """One pair with its score."""

    row: int
    """Its row in the vectors of the decision."""
    pair: Pair
    moment: Instant
    score: float
    value: float
    """Expected value beyond that of silence, before what the policy makes of it."""
    noticed: float | None
    taken: float
    bought: float
    organic: float | None
    components: Components


class ChannelScore(NamedTuple):
    """One channel with the best that could be done on it; None where nothing may be offered there."""

    channel: ChannelName
    best: Scored | None


class Ranking(Sequence[Scored]):
    """Pairs in an order; what was found of each is put together when it is looked at."""

    def __init__(self, judged: Judged, places: NDArray[np.intp]) -> None:
        self._judged, self._places = judged, places

    @overload
    def __getitem__(self, index: int) -> Scored: ...
    @overload
    def __getitem__(self, index: slice) -> Ranking: ...
    def __getitem__(self, index: int | slice) -> Scored | Ranking:
        if isinstance(index, slice):
            return Ranking(self._judged, self._places[index])
        return scored(self._judged, self._places[index : index + 1 or None])[0]

    def __len__(self) -> int:
        return len(self._places)

    def __iter__(self) -> Iterator[Scored]:
        return iter(scored(self._judged, self._places))


def scored(judged: Judged, places: Sequence[int] | NDArray[np.intp]) -> list[Scored]:
    """The pairs at these places."""
    here = np.asarray(places, dtype=np.intp)
    chances, value, terms = judged.chances, judged.value, judged.terms
    told = (judged.moments, judged.score, chances.used, chances.bought, terms.weight, terms.lever, terms.scarcity)
    columns = [each[here].tolist() for each in told]
    noticed, organic, costs = _at(chances.noticed, here), _at(chances.organic, here), value.table[:, here].T.tolist()
    return [
        Scored(
            place,
            judged.pairs[place],
            moment,
            score,
            total,
            seen,
            used,
            bought,
            anyway,
            Components(margin, spent, unnoticed, cost, attention, (weight - 1.0) * max(total, 0.0), lever, scarcity),
        )
        for (
            place,
            moment,
            score,
            used,
            bought,
            weight,
            lever,
            scarcity,
            seen,
            anyway,
            (margin, spent, unnoticed, cost, attention, total),
        ) in zip(here.tolist(), *columns, noticed, organic, costs, strict=True)
    ]


def _at(values: Floats | None, places: NDArray[np.intp]) -> list[float] | list[None]:
    return [None] * len(places) if values is None else values[places].tolist()
