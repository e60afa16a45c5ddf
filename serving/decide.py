"""The decision: which offer on which channel, or silence. Pure: no clock, no file, no framework."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
from numpy.typing import NDArray

from features.domain import HOUR, ChannelName, Instant, OfferId
from features.state import empty
from features.vector import vector_fingerprint
from serving.decision import Ask, Decision, Funnel, Item, Silence, Vectors, Versions
from serving.eligibility import OfferHistory, Removal, Situation, first_objection, offer_history, sift
from serving.equipment import Equipment
from serving.pairs import NAMES, Known, Pair, customer_past, vectors
from serving.popularity import popularity
from serving.ranking import SILENCE, Judged, Scored, best_of_each_offer, by_channel, order
from serving.reasons import Seen, reasons
from serving.score import chances, value
from serving.shortfall import Lack, Shortfall, distinct

VALID_US = HOUR
"""How long an answer may be used, unless an offer in it ends earlier."""

Lap = Callable[[str], None]
"""Told the name of each stage when it ends."""


_schema = cache(vector_fingerprint)


def untimed(_: str) -> None:
    """A lap that nobody counts."""


def decide(
    ask: Ask, known: Known, equipment: Equipment, lacking: tuple[Shortfall, ...] = (), lap: Lap = untimed
) -> Decision:
    """The decision for one customer; ``lacking`` is what the knowledge of the customer had to do without."""
    kind, eligible, removed = _eligible(ask, known, equipment)
    lap("eligibility")
    seen = vectors(known, eligible, equipment.evidence)
    lap("features")
    judged, by_popularity = _judge(kind, eligible, seen, known, equipment)
    lap("score")
    places = order(judged)
    best = best_of_each_offer(judged, places)
    worth = [scored for scored in best if scored.score > SILENCE]
    items = tuple(_item(scored, seen) for scored in worth[: ask.limit])
    channels = by_channel(judged, places, _channels(ask, kind, equipment))
    lap("rank")
    return Decision(
        ask=ask,
        kind=kind,
        by_popularity=by_popularity,
        items=items,
        silence=Silence(not items, _why_silent(best, removed)),
        preferred_channel=channels[0].channel if places else None,
        channels=channels,
        funnel=Funnel(len(equipment.pairs), tuple(removed), tuple(best[len(worth) :]), len(eligible)),
        vectors=Vectors(NAMES, tuple(eligible), seen),
        cold_start=known.activity is None,
        shortfalls=distinct(*equipment.shortfalls, *lacking, *_unlearnt(kind, by_popularity, equipment)),
        valid_until=_valid_until(ask.at, items),
        versions=Versions(
            equipment.model.version if equipment.model else None, _schema(), equipment.catalogue.fingerprint
        ),
    )


def _eligible(ask: Ask, known: Known, equipment: Equipment) -> tuple[str, list[Pair], list[Removal]]:
    """The kind to rank, with every pair of the catalogue sifted for it."""
    history = offer_history(known.activity)
    kind = ask.kind if ask.kind is not None else _first_kind(ask, history, equipment)
    return (kind, *sift(equipment.pairs, Situation(ask.at, kind, ask.channels, history)))


def _first_kind(ask: Ask, history: dict[OfferId, OfferHistory], equipment: Equipment) -> str:
    """The first kind of the catalogue with an eligible pair; where none has one, simply the first."""
    for kind, pairs in equipment.kind_pairs.items():
        situation = Situation(ask.at, kind, ask.channels, history)
        if any(first_objection(pair, situation) is None for pair in pairs):
            return kind
    return next(iter(equipment.kind_pairs), "")


def _judge(
    kind: str, pairs: list[Pair], seen: NDArray[np.float32], known: Known, equipment: Equipment
) -> tuple[Judged, bool]:
    """The pairs with their scores, and whether these had to do without the model."""
    learnt = chances(equipment.model, kind, pairs, seen) if equipment.model is not None else None
    odds = learnt if learnt is not None else popularity(pairs, equipment.evidence)
    patience = equipment.attention.price(customer_past(known.activity or empty(), known.at))
    return Judged.of(pairs, odds, value(odds, pairs, patience)), learnt is None


def _unlearnt(kind: str, by_popularity: bool, equipment: Equipment) -> tuple[Shortfall, ...]:
    if equipment.model is None or not by_popularity:
        return ()
    sentence = f"Ranked by popularity: the model {equipment.model.version} has learnt nothing of kind {kind!r}."
    return (Shortfall(Lack.MODEL_LACKS_KIND, sentence),)


def _item(scored: Scored, seen: NDArray[np.float32]) -> Item:
    vector = dict(zip(NAMES, seen[scored.row].tolist(), strict=True))
    return Item(
        scored,
        vector["evidence_offer_contacts"],
        vector["evidence_category_contacts"],
        reasons(Seen(scored.pair, vector)),
    )


def _channels(ask: Ask, kind: str, equipment: Equipment) -> list[ChannelName]:
    """Channels that could carry an offer of the kind, as far as the caller allows them."""
    carrying = dict.fromkeys(pair.channel.name for pair in equipment.pairs if pair.offer.kind == kind)
    return [name for name in carrying if ask.channels is None or name in ask.channels]


def _why_silent(best: list[Scored], removed: list[Removal]) -> str:
    if not best:
        return "No offer may be made now." if removed else "There is nothing to offer."
    first = best[0]
    name = f"{first.pair.offer.name} on {first.pair.channel.name}"
    if first.score > SILENCE:
        return f"{name} is worth more than saying nothing."
    return f"Even the best, {name}, would be worth {first.score:.1f} minor units: saying nothing is better."


def _valid_until(at: Instant, items: tuple[Item, ...]) -> Instant:
    ends = [item.scored.pair.offer.valid_to for item in items]
    return Instant(min([at + VALID_US, *(end for end in ends if end is not None)]))
