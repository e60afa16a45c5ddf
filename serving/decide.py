"""The decision: which offer on which channel, or silence. Pure: no clock, no file, no framework."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache

import numpy as np
from numpy.typing import NDArray

from features.domain import HOUR, ChannelName, Instant
from features.state import empty
from features.vector import vector_fingerprint
from serving.consent import PROFILING, objects_to
from serving.decision import Ask, Decision, Funnel, Item, Silence, Vectors, Versions
from serving.eligibility import (
    MARKETING_OBJECTION,
    Removal,
    Situation,
    first_objection,
    offer_history,
    sift,
)
from serving.equipment import Equipment
from serving.pairs import NAMES, Known, Pair, customer_past, stranger, vectors
from serving.popularity import popularity
from serving.ranking import SILENCE, Judged, Scored, best_of_each_offer, by_channel, order
from serving.reasons import Seen, reasons
from serving.score import Model, chances, value
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
    personal = not objects_to(known.consents, PROFILING)
    seen = vectors(known if personal else stranger(known.at), eligible, equipment.evidence)
    lap("features")
    judged, by_popularity = _judge(kind, eligible, seen, known, equipment, equipment.model if personal else None)
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
        personal=personal,
        intents=known.intents if personal else (),
        items=items,
        silence=Silence(not items, _why_silent(best, removed)),
        preferred_channel=channels[0].channel if places else None,
        channels=channels,
        funnel=Funnel(len(equipment.pairs), tuple(removed), tuple(best[len(worth) :]), len(eligible)),
        vectors=Vectors(NAMES, tuple(eligible), seen),
        cold_start=known.activity is None,
        shortfalls=distinct(*equipment.shortfalls, *lacking, *_unlearnt(kind, personal and by_popularity, equipment)),
        valid_until=_valid_until(ask.at, items),
        versions=Versions(
            equipment.model.version if equipment.model else None, _schema(), equipment.catalogue.fingerprint
        ),
    )


def _eligible(ask: Ask, known: Known, equipment: Equipment) -> tuple[str, list[Pair], list[Removal]]:
    """The kind to rank, with every pair of the catalogue sifted for it."""
    assumed = frozenset(equipment.catalogue.consents_assumed)
    situation = Situation(ask.at, ask.kind or "", ask.channels, offer_history(known.activity), known.consents, assumed)
    if ask.kind is None:
        situation = _of_first_kind(situation, equipment)
    return (situation.kind, *sift(equipment.pairs, situation))


def _of_first_kind(asked: Situation, equipment: Equipment) -> Situation:
    """With the first kind of the catalogue that has an eligible pair; where none has one, simply the first."""
    for kind, pairs in equipment.kind_pairs.items():
        situation = replace(asked, kind=kind)
        if any(first_objection(pair, situation) is None for pair in pairs):
            return situation
    return replace(asked, kind=next(iter(equipment.kind_pairs), ""))


def _judge(
    kind: str, pairs: list[Pair], seen: NDArray[np.float32], known: Known, equipment: Equipment, model: Model | None
) -> tuple[Judged, bool]:
    """The pairs with their scores, and whether these had to do without the model."""
    stranger = known.activity is None
    learnt = chances(model, kind, pairs, seen, stranger) if model is not None else None
    odds = learnt if learnt is not None else popularity(pairs, equipment.evidence)
    # Counting our own contacts is no profile, so patience holds for those who objected to being profiled, too.
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
    if not best and any(removal.rule == MARKETING_OBJECTION for removal in removed):
        return "The customer has objected to marketing, so nothing is offered."
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
