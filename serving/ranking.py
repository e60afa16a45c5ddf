"""Pairs in the order of their score, beside silence, which scores 0."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple, overload

import numpy as np
from numpy.typing import NDArray

from features.domain import ChannelName, Instant
from features.quick import quick
from features.state import Floats
from serving import loops
from serving.pairs import Pair
from serving.score import Chances
from serving.worth import Terms, Value


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
        return scored(self._judged, self._places[index : index + 1 or None].tolist())[0]

    def __len__(self) -> int:
        return len(self._places)

    def __iter__(self) -> Iterator[Scored]:
        return iter(scored(self._judged, self._places.tolist()))


def scored(judged: Judged, places: list[int]) -> list[Scored]:
    """The pairs at these places."""
    here = np.array(places, dtype=np.int64)
    chances, terms, pairs = judged.chances, judged.terms, judged.pairs
    noticed, organic, bought = chances.noticed, chances.organic, chances.bought
    found = np.empty((_WIDTH, len(here)))
    loops.tell(
        judged.score,
        judged.value.table,
        bought if noticed is None else noticed,
        chances.used,
        bought,
        bought if organic is None else organic,
        terms.weight,
        terms.lever,
        terms.scarcity,
        here,
        found,
    )
    score, value, seen, used, likely, base, *amounts = found.tolist()
    unknown = [None] * len(here)
    columns = (
        places,
        map(pairs.__getitem__, places),
        judged.moments[here].tolist(),
        score,
        value,
        unknown if noticed is None else seen,
        used,
        likely,
        unknown if organic is None else base,
        map(_components, zip(*amounts, strict=True)),
    )
    return list(map(_scored, zip(*columns, strict=True)))


_WIDTH = 6 + len(Components._fields)
"""Score, value, four probabilities, and components: see ``loops.tell``."""
# Naming the fields of a tuple takes as long as all the rest.
_components: Callable[[tuple[float, ...]], Components] = partial(tuple.__new__, Components)
_scored: Callable[[tuple[Any, ...]], Scored] = partial(tuple.__new__, Scored)
