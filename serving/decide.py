"""The decision: which offer on which channel at which moment, or silence. Pure: no clock, no file, no framework."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache, partial
from typing import Any

from features.domain import HOUR, ChannelName, Instant
from features.vector import vector_fingerprint
from serving.choice import Choice, choose
from serving.circumstances import Circumstances
from serving.consent import PROFILING, objects_to
from serving.decision import Ask, Decision, Funnel, Item, Silence, Vectors, Versions, silenced
from serving.eligibility import Sifted, Situation, sift
from serving.equipment import Equipment
from serving.facts import Facts
from serving.grant import Seated, seat
from serving.hush import why_silent
from serving.language import Language
from serving.ledger.contact import Ledger
from serving.model import Bundle, PartName
from serving.offering import Sight
from serving.pairs import NAMES, Known, remembered, some, stranger
from serving.popularity import popularity
from serving.ranking import ChannelScore, Judged, Ranking, Scored, scored
from serving.reasons import READ, reasons
from serving.score import Model
from serving.shortfall import FORBIDDING, Lack, Shortfall, distinct
from serving.timing import gains, timed
from serving.worth import measured, value_of

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
    choice = choose(ask, known, judged, sifted.rows, equipment, circumstances)
    n_chosen = len(choice.places)
    told = scored(judged, [*choice.places, *choice.channels])
    seated = seat(
        told[:n_chosen], ask.decision_id, ask.at, known.zone, equipment.policy, circumstances.ledger, ask.contacts
    )
    items = _items(told, choice, seated, seen, ask.language)
    channels = _by_channel(told[n_chosen:], ask, equipment.carrying.get(kind, ()))
    lap("rank")
    decision = Decision(
        ask=ask,
        kind=kind,
        by_popularity=by_popularity,
        personal=personal,
        intents=known.intents if personal else (),
        items=items,
        grant=seated.grant,
        draw=choice.draw,
        silence=Silence(
            not items,
            why_silent(
                told[n_chosen] if choice.channels else None,
                choice.needed,
                sifted.removed,
                choice.draw.group,
                ask.language,
            ),
            probability=choice.draw.silence,
        ),
        preferred_channel=choice.preferred or (channels[0].channel if len(pairs) else None),
        declared=choice.preferred is not None,
        channels=channels,
        funnel=Funnel(
            len(equipment.pairs),
            sifted.removed,
            Ranking(judged, choice.beaten),
            len(pairs),
            sifted.rows,
            judged.score,
        ),
        vectors=Vectors(NAMES, pairs, seen),
        judged=judged,
        cold_start=known.activity is None,
        shortfalls=_shortfalls(equipment, lacking, kind, personal and by_popularity),
        valid_until=_valid_until(ask.at, items, equipment.shelf.ending),
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
    forbidding = [shortfall for shortfall in lacking if shortfall.lack in FORBIDDING] if lacking else ()
    return silenced(decision, forbidding[0]) if forbidding else decision


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
    hours, channel = None, shelf.channel
    if part is not None:
        channel = shelf.channel[sifted.rows]
        hours = gains(part, known, seen, sifted, channel, len(shelf.channels))
    when = timed(sifted, channel, hours, equipment.policy.fallback_hour)
    odds = when.noticed(odds)
    # Counting our own contacts is no profile, so patience holds for those who objected to being profiled, too.
    lately = 0.0 if known.activity is None else remembered(known.activity, "contacts_7d", known.at)
    patience = equipment.attention.price(lately)
    money, constant = equipment.money.at(sifted.rows), model.worth(sifted.kind) if isinstance(model, Bundle) else None
    if constant is None:
        share = model.realised(sifted.kind) if isinstance(model, Bundle) and learnt is not None else 1.0
        worth = value_of(odds, money, patience, share)
    else:
        worth = measured(constant, pairs, money, patience)
    terms = equipment.leverage.terms(sifted.rows, when.instants, ask.context, equipment.prices)
    return Judged.of(pairs, odds, worth, terms, when.instants), learnt is None


def _shortfalls(
    equipment: Equipment, lacking: tuple[Shortfall, ...], kind: str, by_popularity: bool
) -> tuple[Shortfall, ...]:
    found = (*equipment.shortfalls, *lacking)
    if by_popularity and equipment.model is not None:
        sentence = f"Ranked by popularity: the model {equipment.model.version} has learnt nothing of kind {kind!r}."
        found = (*found, Shortfall(Lack.MODEL_LACKS_KIND, sentence))
    return distinct(*found) if found else ()


def _items(told: Sequence[Scored], choice: Choice, seated: Seated, seen: Sight, language: Language) -> tuple[Item, ...]:
    """The chosen but those that are not there any more; ``told`` begins with them."""
    values = seen.values(choice.places, READ).tolist()
    chosen = told[: len(values)]
    said = [reasons(each.pair, language, row) for each, row in zip(chosen, values, strict=True)]
    contacts, similar = [row[_CONTACTS] for row in values], [row[_SIMILAR] for row in values]
    columns = (chosen, choice.probabilities, seated.messages, contacts, similar, said)
    items = tuple(map(_item, zip(*columns, strict=True)))
    return tuple(item for n, item in enumerate(items) if n not in seated.gone) if seated.gone else items


_CONTACTS, _SIMILAR = READ.index("evidence_offer_contacts"), READ.index("evidence_category_contacts")
# Naming the fields of a tuple takes as long as all the rest.
_item: Callable[[tuple[Any, ...]], Item] = partial(tuple.__new__, Item)
_channel: Callable[[tuple[Any, ...]], ChannelScore] = partial(tuple.__new__, ChannelScore)


def _by_channel(best: Sequence[Scored], ask: Ask, carrying: Sequence[ChannelName]) -> tuple[ChannelScore, ...]:
    """Every channel that could carry an offer with the best on it, as far as the caller allows them: the best channel
    first, those without any pair last."""
    told = [_channel((scored.pair.channel.name, scored)) for scored in best]
    if len(told) < len(carrying):
        found = {each.channel for each in told}
        allowed = (name for name in carrying if ask.channels is None or name in ask.channels)
        told += [ChannelScore(name, None) for name in allowed if name not in found]
    return tuple(told)


def _valid_until(at: Instant, items: tuple[Item, ...], ending: int) -> Instant:
    """``ending`` is when the first offer of all ends."""
    if at + VALID_US <= ending:
        return Instant(at + VALID_US)
    ends = [end for item in items if (end := item.scored.pair.offer.valid_to) is not None]
    return Instant(min(at + VALID_US, min(ends, default=at + VALID_US)))
