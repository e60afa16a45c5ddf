"""Pairs in the order of their score, beside silence, which scores 0."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import Any, NamedTuple, overload

import numpy as np
from numpy.typing import NDArray

from features.domain import ChannelName, Instant
from features.quick import quick
from features.state import Floats
from serving.kernels.menu import TOLD, tell
from serving.pairs import Pair
from serving.score import Chances
from serving.worth import TOTAL, Terms, Value


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
        total = value.table[TOTAL]
        score = terms.score(total)
        return Judged(pairs, chances, value, terms, moments, np.fmax(score, -np.inf), total)

    def told(self) -> tuple[Any, ...]:
        """What is told of a pair, in the order in which ``kernels.menu.tell`` takes it."""
        chances, terms = self.chances, self.terms
        noticed, organic, bought = chances.noticed, chances.organic, chances.bought
        return (
            self.score,
            self.value.table,
            bought if noticed is None else noticed,
            chances.used,
            bought,
            bought if organic is None else organic,
            terms.weight,
            terms.lever,
            terms.scarcity,
            (noticed is not None, organic is not None),
        )


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
    """Pairs in an order; which, and what was found of each, is put together when it is looked at."""

    def __init__(self, judged: Judged, find: Callable[[], NDArray[np.intp]]) -> None:
        """``find`` tells their places."""
        self._judged, self._find = judged, find

    @cached_property
    def _places(self) -> NDArray[np.intp]:
        return self._find()

    @overload
    def __getitem__(self, index: int) -> Scored: ...
    @overload
    def __getitem__(self, index: slice) -> list[Scored]: ...
    def __getitem__(self, index: int | slice) -> Scored | list[Scored]:
        if isinstance(index, slice):
            return scored(self._judged, self._places[index].tolist())
        return scored(self._judged, self._places[index : index + 1 or None].tolist())[0]

    def __len__(self) -> int:
        return len(self._places)

    def __iter__(self) -> Iterator[Scored]:
        return iter(scored(self._judged, self._places.tolist()))


def scored(judged: Judged, places: list[int]) -> list[Scored]:
    """The pairs at these places."""
    here = np.array(places, dtype=np.int64)
    found, chances = np.empty((len(here), TOLD)), judged.chances
    tell(*judged.told(), here, found.ravel(), TOLD)
    rows, moments = found.tolist(), judged.moments[here].tolist()
    return [
        Scored(
            place,
            judged.pairs[place],
            moment,
            score,
            value,
            None if chances.noticed is None else seen,
            used,
            likely,
            None if chances.organic is None else base,
            Components(*amounts),
        )
        for place, moment, (score, value, *amounts, seen, used, likely, base) in zip(places, moments, rows, strict=True)
    ]
