"""The decision: which offer on which channel at which moment, or silence. Pure: no clock, no file, no framework."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial

import numpy as np
from numpy.typing import NDArray

from features.domain import HOUR, ChannelName, Importance, Instant
from features.state import empty
from features.vector import vector_fingerprint
from serving.circumstances import Circumstances
from serving.consent import PROFILING, objects_to, preferred_channel
from serving.decision import Ask, Decision, Funnel, Item, Silence, Vectors, Versions, silenced
from serving.draw import SILENCE, Choosable, Draw, Places, by_score, draw, firsts
from serving.eligibility import Sifted, Situation, sift
from serving.equipment import Equipment
from serving.explore import Group, Ticket
from serving.facts import Facts
from serving.grant import Carried, seat
from serving.hush import why_silent
from serving.language import Language
from serving.ledger.contact import Ledger
from serving.ledger.shared import takes_of
from serving.model import Bundle, PartName
from serving.offering import Sight
from serving.pairs import NAMES, Known, Pair, customer_past, stranger
from serving.popularity import popularity
from serving.ranking import Judged, Ranking, by_channel, scored
from serving.reasons import Seen, reasons
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
    pairs = list(map(equipment.pairs.__getitem__, sifted.rows.tolist()))
    seen = equipment.sight(kind, known if personal else stranger(known.at), sifted.rows, pairs)
    lap("features")
    judged, by_popularity = _judge(ask, sifted, seen, known, equipment, equipment.model if personal else None)
    lap("score")
    choice = _choose(ask, known, judged, sifted.rows, equipment, circumstances)
    chosen = [scored(judged, place) for place in choice.places]
    carried, grant = seat(
        chosen, ask.decision_id, ask.at, known.zone, equipment.policy, circumstances.ledger, ask.contacts
    )
    likely = zip(carried, choice.probabilities, seen.vectors(choice.places), strict=True)
    items = tuple(_item(each, p, vector, ask.language) for each, p, vector in likely if each is not None)
    channels = by_channel(judged, choice.ranked, _channels(ask, kind, equipment))
    best = Ranking(judged, choice.best)
    low, made = judged.score <= SILENCE, frozenset(choice.places)
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
            why_silent(best, sifted.removed, choice.draw.group, ask.language),
            probability=choice.draw.silence,
        ),
        preferred_channel=choice.preferred or (channels[0].channel if len(pairs) else None),
        declared=choice.preferred is not None,
        channels=channels,
        funnel=Funnel(
            len(equipment.pairs),
            sifted.removed,
            Ranking(judged, [place for place in choice.best if low[place] and place not in made]),
            len(pairs),
            sifted.rows,
            judged.score,
        ),
        vectors=Vectors(NAMES, tuple(pairs), seen),
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
    patience = equipment.attention.price(customer_past(known.activity or empty(), known.at))
    money, constant = equipment.money.at(sifted.rows), model.worth(sifted.kind) if isinstance(model, Bundle) else None
    worth = value_of(odds, money, patience) if constant is None else measured(constant, pairs, money, patience)
    moments = sifted.moments.instants[when.place]
    terms = equipment.leverage.terms(sifted.rows, moments, ask.context, equipment.prices)
    return Judged.of(pairs, odds, worth, terms, moments.tolist()), learnt is None


@dataclass(frozen=True, slots=True)
class _Choice:
    """What is made of the scores; places are those of the judged pairs."""

    places: tuple[int, ...]
    """The items, from the top."""
    probabilities: tuple[float, ...]
    draw: Draw
    ranked: Sequence[int]
    """Every place, best first."""
    best: tuple[int, ...]
    """The best place of each offer, best first."""
    preferred: ChannelName | None
    """The channel that the customer asked for, where an offer may be made on it."""


def _choose(
    ask: Ask, known: Known, judged: Judged, rows: Places, equipment: Equipment, circumstances: Circumstances
) -> _Choice:
    """What does not compete comes first, the rest is drawn."""
    shelf = equipment.shelf
    offer, first, competes = shelf.offer[rows], equipment.first[rows], shelf.promotional[rows]
    preferred, stays = _preferred(known, judged.pairs, offer)
    sold_out = _sold_out(judged, equipment, circumstances.exhausted)
    urgent = firsts(offer, by_score(judged.score, first, stays & ~competes & ~sold_out))
    needed = sorted(urgent, key=lambda place: _need(judged, place))
    needed = needed[: ask.limit]
    drawn = Draw(Group.LEARNT, (), (), None)
    if len(needed) < ask.limit and (competes.any() or not needed):
        unit = ask.decision_id if ask.seed is None else str(ask.seed)
        ticket = Ticket(unit, ask.customer_id, equipment.salt, circumstances.attempt)
        choosable = Choosable(judged.score, offer, first, stays & competes, sold_out)
        account = circumstances.account.at(ask.at)
        drawn = draw(choosable, equipment.policy.exploration, ask.limit - len(needed), ticket, account)
    ranked = by_score(judged.score, first, np.ones(len(rows), dtype=np.bool_))
    return _Choice(
        (*needed, *drawn.places),
        (*[1.0] * len(needed), *drawn.probabilities),
        drawn,
        ranked.tolist(),
        firsts(offer, ranked),
        preferred,
    )


def _sold_out(judged: Judged, equipment: Equipment, exhausted: frozenset[str]) -> NDArray[np.bool_]:
    """Pairs that take something of what is used up since the first draw."""
    if not exhausted:
        return np.zeros(len(judged.pairs), dtype=np.bool_)
    takes = map(partial(takes_of, equipment.policy), judged.pairs, judged.moments)
    return np.array([any(take.key in exhausted for take in each) for each in takes], dtype=np.bool_)


def _need(judged: Judged, place: int) -> tuple[bool, int, float]:
    """What does not compete: mandatory first, then by priority, then by score."""
    offer = judged.pairs[place].offer
    return offer.importance is not Importance.MANDATORY, -offer.priority, -float(judged.score[place])


def _preferred(
    known: Known, pairs: Sequence[Pair], offer: NDArray[np.intp]
) -> tuple[ChannelName | None, NDArray[np.bool_]]:
    """The channel the customer asked for, where it is open, and the pairs that do not give way to one on it."""
    asked = preferred_channel(known.consents)
    there = np.zeros(len(pairs), dtype=np.bool_)
    if asked is not None:
        there = np.array([pair.channel.name == asked for pair in pairs], dtype=np.bool_)
    if not there.any():
        return None, np.ones(len(pairs), dtype=np.bool_)
    return ChannelName(asked or ""), there | ~np.isin(offer, offer[there])


def _unlearnt(kind: str, by_popularity: bool, equipment: Equipment) -> tuple[Shortfall, ...]:
    if equipment.model is None or not by_popularity:
        return ()
    sentence = f"Ranked by popularity: the model {equipment.model.version} has learnt nothing of kind {kind!r}."
    return (Shortfall(Lack.MODEL_LACKS_KIND, sentence),)


def _item(carried: Carried, probability: float, vector: Mapping[str, float], language: Language) -> Item:
    scored = carried.scored
    return Item(
        scored,
        probability,
        carried.contact_id,
        vector["evidence_offer_contacts"],
        vector["evidence_category_contacts"],
        reasons(Seen(scored.pair, vector, language)),
    )


def _channels(ask: Ask, kind: str, equipment: Equipment) -> list[ChannelName]:
    """Channels that could carry an offer of the kind, as far as the caller allows them."""
    return [name for name in equipment.carrying.get(kind, ()) if ask.channels is None or name in ask.channels]


def _valid_until(at: Instant, items: tuple[Item, ...]) -> Instant:
    ends = [item.scored.pair.offer.valid_to for item in items]
    return Instant(min([at + VALID_US, *(end for end in ends if end is not None)]))
