"""What of an audience's wishes is scarce, as a table: the price of each stock, capacity and budget comes of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from features.domain import HOUR, Instant
from serving.allocation.demand import Demand, Floats, Scores
from serving.decision import Decision
from serving.ledger.reservation import Take
from serving.ledger.shared import takes_of
from serving.pairs import Pair
from serving.policy.policy import Policy

Worth = tuple[Pair, Instant, float]
"""What it is worth to make an offer on a channel at a moment, before any price."""


@dataclass(frozen=True)
class Options:
    """Every way to use up something shared: a pair, and in which stretch of the calendar it falls."""

    keys: tuple[str, ...]
    most: Floats
    """All that there is of each key, ``[n_keys]``."""
    uses: Floats
    """``[n_options, n_keys]``."""
    places: Mapping[tuple[str, str, tuple[str, ...]], int]
    """The option of an offer, a channel and the keys that it takes of."""

    def scores(self, worth: Iterable[Worth], policy: Policy) -> Floats:
        """The best that each option is worth to one customer, ``[n_options]``; minus infinity where it is closed."""
        found = np.full(len(self.uses), -np.inf)
        for pair, moment, score in worth:
            place = self.places.get(_key(pair, takes_of(policy, pair, moment)))
            if place is not None:
                found[place] = max(found[place], score)
        return found

    def demand(self, scores: Scores, taken: Mapping[str, float]) -> Demand:
        """The wishes of an audience, ``[n_customers, n_options]``, with what is left of everything."""
        gone = np.array([taken.get(key, 0.0) for key in self.keys])
        return Demand(scores, self.uses, np.maximum(self.most - gone, 0.0))


def options(pairs: Sequence[Pair], policy: Policy, at: Instant) -> Options:
    """The options of all pairs at every moment that may be chosen; no key where nothing is scarce."""
    moments = [Instant(at + hour * HOUR) for hour in range(policy.horizon_hours + 1)]
    takes = {
        _key(pair, found): found
        for pair in pairs
        for found in dict.fromkeys(takes_of(policy, pair, m) for m in moments)
    }
    most = {take.key: take.most for found in takes.values() for take in found}
    keys = {key: place for place, key in enumerate(most)}
    uses = np.zeros((len(takes), len(keys)))
    for place, found in enumerate(takes.values()):
        for take in found:
            uses[place, keys[take.key]] += take.amount
    return Options(tuple(most), np.array(list(most.values())), uses, {each: place for place, each in enumerate(takes)})


def worth_of(decision: Decision) -> Sequence[Worth]:
    """What may be offered, with its score before any price; the channel that the customer asked for goes first."""
    judged, asked = decision.judged, decision.preferred_channel if decision.declared else None
    there = {pair.offer.offer_id for pair in judged.pairs if pair.channel.name == asked}
    return [
        (pair, moment, score)
        for pair, moment, score in zip(judged.pairs, judged.moments, judged.score.tolist(), strict=True)
        if pair.channel.name == asked or pair.offer.offer_id not in there
    ]


def _key(pair: Pair, takes: Iterable[Take]) -> tuple[str, str, tuple[str, ...]]:
    return pair.offer.offer_id, pair.channel.name, tuple(take.key for take in takes)
