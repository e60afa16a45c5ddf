"""The decision: which offer on which channel at which moment, or silence. Pure: no clock, no file, no framework."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from features.domain import HOUR, Instant
from features.vector import vector_fingerprint
from serving.choice import choose
from serving.circumstances import Circumstances
from serving.consent import PROFILING, objects_to
from serving.decision import Ask, Decision, Funnel, Silence, Vectors, Versions, silenced
from serving.eligibility import Sifted, Situation, sift
from serving.equipment import Equipment
from serving.facts import Facts
from serving.grant import NOTHING, Grant, seat
from serving.hush import why_silent
from serving.latest import Latest
from serving.ledger.contact import Ledger
from serving.menu import Menu
from serving.model import Bundle
from serving.offering import Sight
from serving.pairs import NAMES, Known, remembered, some, stranger
from serving.part import PartName
from serving.popularity import popularity
from serving.ranking import Judged, Ranking
from serving.score import Model
from serving.shortfall import FORBIDDING, Lack, Shortfall, distinct
from serving.timing import gains, timed
from serving.worth import measured, value_of

VALID_US = HOUR
"""How long an answer may be used, unless an offer in it ends earlier."""

Lap = Callable[[str], None]
"""Told the name of each stage when it ends."""


_schema = cache(vector_fingerprint)


def _versions(equipment: Equipment) -> Versions:
    """What decisions with this equipment are made with."""
    model = equipment.model.version if equipment.model else None
    return Versions(model, _schema(), equipment.catalogue.fingerprint, equipment.policy.fingerprint)


_VERSIONS = Latest(_versions)


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
    carrying = equipment.carrying.get(kind, ())
    laid = Menu.of(
        choice.places,
        choice.probabilities,
        judged,
        equipment.shelf,
        sifted.rows,
        seen,
        ask.language,
        carrying,
        ask.channels,
    )
    menu, grant = _granted(ask, known.zone, laid, equipment, circumstances.ledger)
    best = menu.best
    lap("rank")
    decision = Decision(
        ask=ask,
        kind=kind,
        by_popularity=by_popularity,
        personal=personal,
        intents=known.intents if personal else (),
        menu=menu,
        grant=grant,
        draw=choice.draw,
        silence=Silence(
            not len(menu),
            why_silent(best, choice.needed, sifted.removed, choice.draw.group, ask.language),
            probability=choice.draw.silence,
        ),
        preferred_channel=choice.preferred or (best[0].channel.name if best else None),
        declared=choice.preferred is not None,
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
        valid_until=_valid_until(ask.at, menu, equipment.shelf.ending),
        versions=_VERSIONS.of(equipment),
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


def _granted(ask: Ask, zone: str, menu: Menu, equipment: Equipment, ledger: Ledger) -> tuple[Menu, Grant]:
    """The menu with its messages and without what is not there any more, and what it needs of the ledger."""
    if not menu.claims:
        return menu, NOTHING
    seated = seat(menu.pairs, menu.moments, ask.decision_id, ask.at, zone, equipment.policy, ledger, ask.contacts)
    return menu.seated(seated.messages, seated.gone), seated.grant


def _valid_until(at: Instant, menu: Menu, ending: int) -> Instant:
    """``ending`` is when the first offer of all ends."""
    if at + VALID_US <= ending:
        return Instant(at + VALID_US)
    ends = [pair.offer.valid_to for pair in menu.pairs if pair.offer.valid_to is not None]
    return Instant(min(at + VALID_US, min(ends, default=at + VALID_US)))
