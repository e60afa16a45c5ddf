"""Pairs in the order of their score, beside silence, which scores 0."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import overload

import numpy as np

from features.domain import ChannelName, Instant
from features.state import Floats
from serving.pairs import Pair
from serving.score import Chances, Terms, Value


@dataclass(frozen=True, slots=True)
class Judged:
    """Eligible pairs with what was found of each; arrays are ``[n_pairs]``."""

    pairs: Sequence[Pair]
    chances: Chances
    value: Value
    terms: Terms
    moments: Sequence[Instant]
    """The best moment of each pair."""
    score: Floats
    """What they are ranked by, minor units; minus infinity where it is undefined."""
    total: Floats
    """Expected value beyond that of silence, before what the policy makes of it."""

    @staticmethod
    def of(pairs: Sequence[Pair], chances: Chances, value: Value, terms: Terms, moments: Sequence[Instant]) -> Judged:
        """The pairs, scored by their value and what the policy makes of it."""
        total = value.total
        score = terms.score(total)
        return Judged(pairs, chances, value, terms, moments, np.where(np.isnan(score), -np.inf, score), total)


@dataclass(frozen=True, slots=True)
class Components:
    """What the score of one pair adds up from, minor units; costs are negative."""

    margin: float
    incentive: float
    unnoticed_incentive: float
    contact_cost: float
    attention: float
    weighting: float
    lever: float
    scarcity: float


@dataclass(frozen=True, slots=True)
class Scored:
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


@dataclass(frozen=True, slots=True)
class ChannelScore:
    """One channel with the best that could be done on it; None where nothing may be offered there."""

    channel: ChannelName
    best: Scored | None


class Ranking(Sequence[Scored]):
    """Pairs in an order; what was found of each is put together when it is looked at."""

    def __init__(self, judged: Judged, places: Sequence[int]) -> None:
        self._judged, self._places = judged, places

    @overload
    def __getitem__(self, index: int) -> Scored: ...
    @overload
    def __getitem__(self, index: slice) -> Ranking: ...
    def __getitem__(self, index: int | slice) -> Scored | Ranking:
        if isinstance(index, slice):
            return Ranking(self._judged, self._places[index])
        return scored(self._judged, self._places[index])

    def __len__(self) -> int:
        return len(self._places)

    def pairs(self) -> Iterator[Pair]:
        """The pairs alone."""
        return map(self._judged.pairs.__getitem__, self._places)


def by_channel(judged: Judged, places: Iterable[int], channels: Collection[ChannelName]) -> tuple[ChannelScore, ...]:
    """Every channel with the first place on it: best channel first, those without any pair last.

    The pairs are on no other channels than these.
    """
    firsts: dict[ChannelName, int] = {}
    missing = set(channels)
    for place in places:
        name = judged.pairs[place].channel.name
        if name not in firsts:
            firsts[name] = place
            missing.discard(name)
            if not missing:
                break
    found = [ChannelScore(channel, scored(judged, place)) for channel, place in firsts.items()]
    return (*found, *(ChannelScore(channel, None) for channel in channels if channel not in firsts))


def scored(judged: Judged, place: int) -> Scored:
    """The pair at this place."""
    chances, value, terms = judged.chances, judged.value, judged.terms
    total = float(judged.total[place])
    return Scored(
        place,
        judged.pairs[place],
        judged.moments[place],
        float(judged.score[place]),
        total,
        _at(chances.noticed, place),
        float(chances.used[place]),
        float(chances.bought[place]),
        _at(chances.organic, place),
        Components(
            float(value.margin[place]),
            float(value.incentive[place]),
            float(value.unnoticed_incentive[place]),
            float(value.contact_cost[place]),
            float(value.attention[place]),
            (float(terms.weight[place]) - 1.0) * max(total, 0.0),
            float(terms.lever[place]),
            float(terms.scarcity[place]),
        ),
    )


def _at(values: Floats | None, place: int) -> float | None:
    return None if values is None else float(values[place])
