"""The decision: which offer on which channel at which moment, or silence. Pure: no clock, no file, no framework."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache, partial

import numpy as np
from numpy.typing import NDArray

from features.domain import HOUR, ChannelName, Importance, Instant, Offer
from features.quick import quick
from features.vector import vector_fingerprint
from serving.circumstances import Circumstances
from serving.consent import PROFILING, objects_to, preferred_channel
from serving.decision import Ask, Decision, Funnel, Item, Silence, Vectors, Versions, silenced
from serving.draw import SILENCE, Choosable, Draw, Places, draw
from serving.eligibility import Sifted, Situation, sift
from serving.equipment import Equipment
from serving.explore import Group, Ticket
from serving.facts import Facts
from serving.grant import Carried, seat
from serving.hush import why_silent
from serving.language import Language
from serving.leaders import leaders
from serving.ledger.contact import Ledger
from serving.ledger.shared import takes_of
from serving.model import Bundle, PartName
from serving.offering import Sight
from serving.pairs import NAMES, Known, Pair, remembered, some, stranger
from serving.popularity import popularity
from serving.ranking import ChannelScore, Judged, Ranking, Scored, scored
from serving.reasons import READ, Seen, reasons
from serving.score import Model, measured, value_of
from serving.shortfall import FORBIDDING, Lack, Shortfall, distinct
from serving.timing import gains, timed

VALID_US = HOUR
"""How long an answer may be used, unless an offer in it ends earlier."""

Lap = Callable[[str], None]
"""Told the name of each stage when it ends."""


_schema = cache(vector_fingerprint)


def untimed(_: str) -> None:
    """A lap that nobody counts."""


ORDINARY = Circumstances()
"""Nothing was said to the customer before, and nothing is used up."""


def decide(
    ask: Ask,
    known: Known,
    equipment: Equipment,
    lacking: tuple[Shortfall, ...] = (),
    lap: Lap = untimed,
    circumstances: Circumstances = ORDINARY,
) -> Decision:
    """The decision for one customer; ``lacking`` is what the knowledge of the customer had to do without."""
    sifted = _sifted(ask, known, equipment, circumstances.ledger)
    kind = sifted.kind
    lap("eligibility")
    personal = not objects_to(known.consents, PROFILING)
    pairs = some(equipment.pairs, sifted.rows)
    seen = equipment.sight(kind, known if personal else stranger(known.at), sifted.rows, pairs)
    lap("features")
    judged, by_popularity = _judge(ask, sifted, seen, known, equipment, equipment.model if personal else None)
    lap("score")
    choice = _choose(ask, known, judged, sifted.rows, equipment, circumstances)
    n_chosen = len(choice.places)
    told = scored(judged, [*choice.places, *choice.channels, *choice.best[:1].tolist()])
    carried, grant = seat(
        told[:n_chosen], ask.decision_id, ask.at, known.zone, equipment.policy, circumstances.ledger, ask.contacts
    )
    likely = zip(carried, choice.probabilities, seen.values(choice.places, READ).tolist(), strict=True)
    items = tuple(_item(each, p, values, ask.language) for each, p, values in likely if each is not None)
    channels = _by_channel(told[n_chosen : n_chosen + len(choice.channels)], _channels(ask, kind, equipment))
    best = told[-1] if len(choice.best) else None
    low = judged.score <= SILENCE
    low[list(choice.places)] = False
    lap("rank")
    decision = Decision(
        ask=ask,
        kind=kind,
        by_popularity=by_popularity,
        personal=personal,
        intents=known.intents if personal else (),
        items=items,
        grant=grant,
        draw=choice.draw,
        silence=Silence(
            not items,
            why_silent(best, choice.needed, sifted.removed, choice.draw.group, ask.language),
            probability=choice.draw.silence,
        ),
        preferred_channel=choice.preferred or (channels[0].channel if len(pairs) else None),
        declared=choice.preferred is not None,
        channels=channels,
        funnel=Funnel(
            len(equipment.pairs),
            sifted.removed,
            Ranking(judged, choice.best[low[choice.best]]),
            len(pairs),
            sifted.rows,
            judged.score,
        ),
        vectors=Vectors(NAMES, pairs, seen),
        judged=judged,
        cold_start=known.activity is None,
        shortfalls=distinct(*equipment.shortfalls, *lacking, *_unlearnt(kind, personal and by_popularity, equipment)),
        valid_until=_valid_until(ask.at, items),
        versions=Versions(
            equipment.model.version if equipment.model else None,
            _schema(),
            equipment.catalogue.fingerprint,
            equipment.policy.fingerprint,
        ),
        known=known,
        circumstances=circumstances,
        lacking=lacking,
    )
    forbidding = next((shortfall for shortfall in lacking if shortfall.lack in FORBIDDING), None)
    return decision if forbidding is None else silenced(decision, forbidding)


def _sifted(ask: Ask, known: Known, equipment: Equipment, ledger: Ledger) -> Sifted:
    """Every pair of the catalogue, sifted for what is asked."""
    facts = Facts(known, equipment.pairs, equipment.evidence, ask.context)
    return sift(equipment.shelf, Situation(facts, ask.kind, ask.channels, ask.offer_id, ledger, ask.now_only))


def _judge(
    ask: Ask,
    sifted: Sifted,
    seen: Sight,
    known: Known,
    equipment: Equipment,
    model: Model | None,
) -> tuple[Judged, bool]:
    """The pairs with their scores at their best moments, and whether these had to do without the model."""
    stranger, shelf, pairs = known.activity is None, equipment.shelf, seen.pairs
    learnt = seen.chances(model, sifted.kind, stranger) if model is not None else None
    odds = learnt if learnt is not None else popularity(pairs, equipment.evidence)
    part = model.part(PartName.CHANNEL_RESPONSE, sifted.kind) if model is not None and not stranger else None
    channel = shelf.channel[sifted.rows]
    hours = None
    if part is not None:
        hours = gains(part, known, seen, sifted, channel, len(shelf.channels))
    when = timed(sifted, channel, hours, equipment.policy.fallback_hour)
    odds = when.noticed(odds)
    # Counting our own contacts is no profile, so patience holds for those who objected to being profiled, too.
    lately = 0.0 if known.activity is None else remembered(known.activity, "contacts_7d", known.at)
    patience = equipment.attention.price(lately)
    money, constant = equipment.money.at(sifted.rows), model.worth(sifted.kind) if isinstance(model, Bundle) else None
    if constant is None:
        share = model.realised(sifted.kind) if isinstance(model, Bundle) and learnt is not None else 1.0
        worth = value_of(odds, money, patience).realised(share)
    else:
        worth = measured(constant, pairs, money, patience)
    moments = sifted.moments.instants[when.place]
    terms = equipment.leverage.terms(sifted.rows, moments, ask.context, equipment.prices)
    return Judged.of(pairs, odds, worth, terms, moments), learnt is None


@quick(frozen=True, slots=True)
class _Choice:
    """What is made of the scores; places are those of the judged pairs."""

    places: tuple[int, ...]
    """The items, from the top."""
    probabilities: tuple[float, ...]
    draw: Draw
    channels: list[int]
    """The best place on each channel, best first."""
    best: Places
    """The best place of each offer, best first."""
    needed: Offer | None
    """The best offer that does not compete."""
    preferred: ChannelName | None
    """The channel that the customer asked for, where an offer may be made on it."""


def _choose(
    ask: Ask, known: Known, judged: Judged, rows: Places, equipment: Equipment, circumstances: Circumstances
) -> _Choice:
    """What does not compete comes first, the rest is drawn."""
    shelf = equipment.shelf
    offer, first, competes = shelf.offer[rows], equipment.first[rows], shelf.promotional[rows]
    score, n_offers, every = judged.score, len(shelf.offers), shelf.every[: len(rows)]
    preferred, stays = _preferred(known, judged.pairs, offer, every)
    sold_out = _sold_out(judged, equipment, circumstances.exhausted)
    best, needed, asked_for = leaders(score, first, every, offer, n_offers), list[int](), None
    if not shelf.only_promotions:
        due = stays & ~competes if sold_out is None else stays & ~competes & ~sold_out
        urgent = leaders(score, first, due, offer, n_offers).tolist()
        needed = sorted(urgent, key=lambda place: _need(judged, place))[: ask.limit]
        asked_for = next((judged.pairs[place].offer for place in best if not competes[place]), None)
    drawn = Draw(Group.LEARNT, (), (), None)
    if len(needed) < ask.limit and (not needed or competes.any()):
        unit = ask.decision_id if ask.seed is None else str(ask.seed)
        ticket = Ticket(unit, ask.customer_id, equipment.salt, circumstances.attempt)
        open_ = stays if shelf.only_promotions else stays & competes
        whole = best if open_ is every and sold_out is None else None
        choosable = Choosable(score, offer, first, open_, sold_out, n_offers, whole)
        account = circumstances.account.at(ask.at)
        drawn = draw(choosable, equipment.policy.exploration, ask.limit - len(needed), ticket, account)
    return _Choice(
        (*needed, *drawn.places),
        (*[1.0] * len(needed), *drawn.probabilities),
        drawn,
        leaders(score, first, every, shelf.channel[rows], len(shelf.channels)).tolist(),
        best,
        asked_for,
        preferred,
    )


def _sold_out(judged: Judged, equipment: Equipment, exhausted: frozenset[str]) -> NDArray[np.bool_] | None:
    """Pairs that take something of what is used up since the first draw; None where nothing is."""
    if not exhausted:
        return None
    takes = map(partial(takes_of, equipment.policy), judged.pairs, judged.moments.tolist())
    return np.array([any(take.key in exhausted for take in each) for each in takes], dtype=np.bool_)


def _need(judged: Judged, place: int) -> tuple[bool, int, float]:
    """What does not compete: mandatory first, then by priority, then by score."""
    offer = judged.pairs[place].offer
    return offer.importance is not Importance.MANDATORY, -offer.priority, -float(judged.score[place])


def _preferred(
    known: Known, pairs: Sequence[Pair], offer: NDArray[np.intp], every: NDArray[np.bool_]
) -> tuple[ChannelName | None, NDArray[np.bool_]]:
    """The channel the customer asked for, where it is open, and the pairs that do not give way to one on it."""
    asked = preferred_channel(known.consents) if known.consents else None
    there = None if asked is None else np.array([pair.channel.name == asked for pair in pairs], dtype=np.bool_)
    if asked is None or there is None or not there.any():
        return None, every
    return ChannelName(asked), there | ~np.isin(offer, offer[there])


def _unlearnt(kind: str, by_popularity: bool, equipment: Equipment) -> tuple[Shortfall, ...]:
    if equipment.model is None or not by_popularity:
        return ()
    sentence = f"Ranked by popularity: the model {equipment.model.version} has learnt nothing of kind {kind!r}."
    return (Shortfall(Lack.MODEL_LACKS_KIND, sentence),)


def _item(carried: Carried, probability: float, values: Sequence[float], language: Language) -> Item:
    """``values`` are those of READ."""
    scored, contact_id = carried
    seen = Seen.of(scored.pair, language, values)
    contacts, similar = seen.evidence_offer_contacts, seen.evidence_category_contacts
    return Item(scored, probability, contact_id, contacts, similar, reasons(seen))


def _by_channel(best: Sequence[Scored], channels: Sequence[ChannelName]) -> tuple[ChannelScore, ...]:
    """Every channel with the best on it: best channel first, those without any pair last."""
    found = {scored.pair.channel.name: scored for scored in best}
    missing = (ChannelScore(channel, None) for channel in channels if channel not in found)
    return (*map(ChannelScore, found, found.values()), *missing)


def _channels(ask: Ask, kind: str, equipment: Equipment) -> list[ChannelName]:
    """Channels that could carry an offer of the kind, as far as the caller allows them."""
    return [name for name in equipment.carrying.get(kind, ()) if ask.channels is None or name in ask.channels]


def _valid_until(at: Instant, items: tuple[Item, ...]) -> Instant:
    ends = [end for item in items if (end := item.scored.pair.offer.valid_to) is not None]
    return Instant(min(at + VALID_US, min(ends, default=at + VALID_US)))
