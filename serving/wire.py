"""A decision as the answer that goes over the wire."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.metadata import version
from itertools import zip_longest
from math import isfinite, isnan, nan
from typing import Any

import numpy as np

from features.domain import Importance, Instant
from features.instant import format_instant
from features.intent import Intent
from serving import answer_api, item_api, recall_api
from serving.attribution import Came
from serving.contributions import Explained, contributions, log_odds
from serving.decision import Decision, Item
from serving.eligibility import CHANNEL_NOT_OPEN, RULES
from serving.equipment import Equipment
from serving.german import meaning, open_topic, sentence
from serving.german_notes import limit, note
from serving.german_values import value
from serving.language import Language, told
from serving.ledger.contact import ContactId
from serving.model import PartName
from serving.pairs import Pair
from serving.ranking import ChannelScore, Scored
from serving.score import interrupts
from serving.wording import Reader, say

SERVICE_VERSION = version("kairos-offers")
MONEY_DIGITS, PROBABILITY_DIGITS, EVIDENCE_DIGITS = 4, 6, 2
"""Decimals on the wire; the record keeps the exact vector."""
MOST_TOPICS = 20


MOST_EXPLAINED = 10
"""Items whose predictions are taken apart."""


def answer(
    decision: Decision,
    equipment: Equipment,
    explain: str,
    timings_ms: dict[str, float],
    recorded: bool = False,
    name: str | None = None,
) -> answer_api.Answer:
    """The answer to one request; only what is recorded has its messages reserved. ``name`` is the customer's."""
    ask, versions, catalogue = decision.ask, decision.versions, equipment.catalogue
    reader = Reader(decision.known.zone, ask.language, name)
    apart = _contributions(decision, equipment) if explain == "contributions" else []
    return answer_api.Answer(
        decision_id=ask.decision_id,
        customer_id=ask.customer_id,
        kind=decision.kind,
        decided_at=format_instant(ask.at),
        valid_until=format_instant(decision.valid_until),
        currency=catalogue.currency,
        items=_items(decision, recorded, catalogue.currency, reader, apart),
        silence=answer_api.Silence(
            score_minor=decision.silence.score,
            wins=decision.silence.wins,
            reason=decision.silence.reason,
            probability=decision.silence.probability,
        ),
        preferred_channel=decision.preferred_channel,
        preference_declared=decision.declared,
        group=decision.draw.group.value,
        attempts=decision.circumstances.attempt + 1,
        channels=[_channel(found) for found in decision.channels],
        open_topics=[topic(intent, ask.language) for intent in decision.intents[:MOST_TOPICS]],
        removed=_counts(decision),
        funnel=funnel(decision) if explain == "funnel" else None,
        cold_start=decision.cold_start,
        personalised=not decision.by_popularity,
        fallback=bool(decision.shortfalls),
        fallback_reasons=[shortfall.lack.value for shortfall in decision.shortfalls],
        warnings=_warnings(decision, equipment),
        limits=[limit(each, ask.language) for each in catalogue.limits],
        recorded=recorded,
        versions=answer_api.Versions(
            model=versions.model,
            schema=versions.schema,
            catalogue=versions.catalogue,
            policy=versions.policy,
            service=SERVICE_VERSION,
        ),
        timings_ms=timings_ms,
    )


def _items(
    decision: Decision,
    reserved: bool,
    currency: str,
    reader: Reader,
    apart: Sequence[list[item_api.Prediction]],
) -> list[item_api.Item]:
    """Everything that is offered; ``apart`` are the predictions of the first few."""
    expires = {each.contact_id: format_instant(each.expires_at) for each in decision.grant.contacts if reserved}
    told = zip_longest(decision.items, _figures(decision.items), apart)
    return [
        _item(rank, item, figures, decision.by_popularity, expires, _said(item.scored.pair, currency, reader), taken)
        for rank, (item, figures, taken) in enumerate(told, start=1)
    ]


def _item(
    rank: int,
    item: Item,
    figures: Sequence[float],
    by_popularity: bool,
    expires: Mapping[ContactId, str],
    wording: item_api.Said,
    taken_apart: list[item_api.Prediction] | None,
) -> item_api.Item:
    """``expires`` tells until when the messages are reserved."""
    scored, contact_id = item.scored, item.contact_id
    offer, channel = scored.pair.offer, scored.pair.channel
    until = None if contact_id is None else expires.get(contact_id)
    score, value, *components, noticed, taken, bought, organic, contacts, similar = figures
    return item_api.Item(
        rank,
        offer.offer_id,
        offer.name,
        offer.category,
        channel.name,
        _IMPORTANCE[offer.importance],
        format_instant(scored.moment),
        None if until is None else contact_id,
        until,
        contact_id is None and interrupts(scored.pair),
        item.probability,
        score,
        None if scored.organic is None or by_popularity else value,
        item_api.Components(*components),
        item_api.Probabilities(_known(noticed), taken, bought, _known(organic)),
        item_api.Evidence(contacts, similar),
        list(item.reasons),
        wording,
        taken_apart,
    )


_IMPORTANCE: dict[Importance, Any] = {each: each.value for each in Importance}
_DIGITS = np.array([MONEY_DIGITS] * 10 + [PROBABILITY_DIGITS] * 4 + [EVIDENCE_DIGITS] * 2)
_SCALE = 10.0**_DIGITS


def _figures(items: Sequence[Item]) -> list[list[float]]:
    """Of each item score, value, components, probabilities and evidence, rounded all at once; NaN where unknown.

    ``round`` takes half a microsecond a number, and an answer has some hundred and sixty.
    """
    if not items:
        return []
    exact = [
        (
            scored.score,
            scored.value,
            *scored.components,
            nan if scored.noticed is None else scored.noticed,
            scored.taken,
            scored.bought,
            nan if scored.organic is None else scored.organic,
            contacts,
            similar,
        )
        for scored, _, _, contacts, similar, _ in items
    ]
    found: list[list[float]] = (np.rint(np.array(exact) * _SCALE) / _SCALE + 0.0).tolist()  # no -0.0
    return found


def _known(value: float) -> float | None:
    return None if isnan(value) else value


def _said(pair: Pair, currency: str, reader: Reader) -> item_api.Said:
    said = say(pair.offer, pair.channel.name, currency, reader)
    return item_api.Said(said.title, said.body, said.price, said.terms)


def _contributions(decision: Decision, equipment: Equipment) -> list[list[item_api.Prediction]]:
    """Of the first items; nothing where no model decided, or where the typical of all customers stood in for one."""
    model, items = equipment.model, decision.items[:MOST_EXPLAINED]
    if model is None or decision.by_popularity or decision.cold_start:
        return []
    rows = [item.scored.row for item in items]
    pairs = [item.scored.pair for item in items]
    taken_apart = contributions(model, decision.kind, pairs, decision.vectors.matrix[rows])
    return [
        [_prediction(each, item.scored, decision.ask.at) for each in row]
        for item, row in zip(items, taken_apart, strict=True)
    ]


def _prediction(found: Explained, scored: Scored, at: Instant) -> item_api.Prediction:
    moment = 0.0
    if found.part is PartName.CHANNEL_RESPONSE and scored.noticed is not None and scored.moment != at:
        moment = log_odds(scored.noticed) - found.calibrated
    return item_api.Prediction(
        part=found.part.value,
        log_odds=found.calibrated + moment,
        moment=moment,
        raw=found.raw,
        weight_of_trees=found.weight_of_trees,
        slope=found.slope,
        mean_of_trees=found.mean_of_trees,
        intercept_of_linear=found.intercept_of_linear,
        intercept_of_calibration=found.intercept_of_calibration,
        experience=found.experience,
        features=[
            item_api.FeatureTerm(
                feature=each.feature,
                value=None if isnan(each.value) else each.value,
                trees=each.trees,
                linear=each.linear,
            )
            for each in found.added
        ],
    )


def topic(intent: Intent, language: Language = Language.EN) -> answer_api.OpenTopic:
    """An open topic as it goes over the wire."""
    return answer_api.OpenTopic(
        topic=intent.topic,
        about=intent.about,
        channel=intent.channel,
        since=format_instant(intent.at),
        strength=round(intent.strength, PROBABILITY_DIGITS),
        sentence=told(language, intent.sentence, open_topic(intent)),
    )


def outcome(came: Came) -> recall_api.KnownOutcome:
    """What came of a decision as it goes over the wire."""
    event = came.event
    return recall_api.KnownOutcome(
        kind=event.kind,
        channel=event.channel,
        occurred_at=format_instant(event.occurred_at),
        offer_id=event.offer_id,
        category=event.category,
        value_minor=event.value_minor,
        attributed=came.attributed,
        why=came.why,
    )


def _channel(found: ChannelScore) -> answer_api.ChannelScore:
    best = found.best
    return answer_api.ChannelScore(
        channel=found.channel,
        score_minor=_finite(best.score) if best else None,
        offer_id=best.pair.offer.offer_id if best else None,
        noticed=_probability(best.noticed) if best else None,
    )


def _counts(decision: Decision) -> list[answer_api.RuleCount]:
    pairs = decision.funnel.removed.counts()
    return [
        answer_api.RuleCount(
            rule=rule.name, meaning=meaning(rule.name, rule.meaning, decision.ask.language), pairs=pairs[rule.name]
        )
        for rule in RULES
        if rule.name in pairs
    ]


def funnel(decision: Decision) -> answer_api.Funnel:
    """What became of every pair of the kind."""
    found = decision.funnel
    return answer_api.Funnel(
        considered=found.considered,
        eligible=found.eligible,
        below_silence=[
            answer_api.BelowSilence(
                offer_id=scored.pair.offer.offer_id, channel=scored.pair.channel.name, score_minor=_finite(scored.score)
            )
            for scored in found.below_silence
        ],
        removed=[
            answer_api.Removed(
                offer_id=removal.pair.offer.offer_id,
                channel=removal.pair.channel.name,
                rule=removal.rule,
                value=value(removal.rule, removal.value, decision.ask.language),
            )
            for removal in found.removed
            if removal.pair.offer.kind == decision.kind
        ],
    )


def _warnings(decision: Decision, equipment: Equipment) -> list[str]:
    language = decision.ask.language
    found = [sentence(shortfall, language) for shortfall in decision.shortfalls]
    found.extend(note(each, language) for each in equipment.notes)
    if not decision.personal:
        found.append(
            told(
                language,
                "The customer has objected to profiling: ranked by popularity, as for anybody.",
                "Der Kunde hat dem Profiling widersprochen: gereiht nach Beliebtheit, wie für jeden.",
            )
        )
    if decision.by_popularity:
        found.append(
            told(
                language,
                "Scores are expected value by popularity: what would have been bought anyway is not taken off.",
                "Die Werte sind nach Beliebtheit erwartet: was ohnehin gekauft würde, ist nicht abgezogen.",
            )
        )
    if decision.cold_start:
        found.append(
            told(
                language,
                "No event of this customer is known: judged by what all customers do.",
                "Von diesem Kunden ist kein Ereignis bekannt: beurteilt nach dem, was alle Kunden tun.",
            )
        )
    if decision.ask.at < equipment.catalogue.now:
        known_to = format_instant(equipment.catalogue.now)
        found.append(
            told(
                language,
                f"History is known up to {known_to}, so this answer may rest on what happened after its instant.",
                f"Bekannt ist die Geschichte bis {known_to}; die Antwort kann auf Späterem beruhen.",
            )
        )
    if not decision.funnel.eligible and CHANNEL_NOT_OPEN in decision.funnel.removed.counts():
        found.append(
            told(
                language,
                "Only inbound channels are left: name those on which the customer is present in `channels`.",
                "Nur Kanäle sind übrig, auf die der Kunde von selbst kommt: `channels` nenne die, auf denen er ist.",
            )
        )
    return found


def _money(minor: float) -> float:
    return round(minor, MONEY_DIGITS) + 0.0  # no -0.0


def _finite(minor: float) -> float | None:
    return _money(minor) if isfinite(minor) else None


def _probability(value: float | None) -> float | None:
    return None if value is None or isnan(value) else round(value, PROBABILITY_DIGITS)
