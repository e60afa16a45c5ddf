"""A decision as the answer that goes over the wire."""

from __future__ import annotations

from importlib.metadata import version
from math import isfinite, isnan

from features.instant import format_instant
from features.intent import Intent
from serving import answer_api, recall_api
from serving.attribution import Came
from serving.blanks import MONEY_DIGITS, PROBABILITY_DIGITS
from serving.caveats import caveats
from serving.decision import Decision, Versions
from serving.eligibility import RULES
from serving.equipment import Equipment
from serving.german import meaning, open_topic
from serving.german_notes import limit
from serving.german_values import value
from serving.item_wire import items, predictions
from serving.language import Language, told
from serving.ranking import ChannelScore
from serving.wording import Reader

SERVICE_VERSION = version("kairos-offers")
MOST_TOPICS = 20
_SCALE = 10.0**MONEY_DIGITS


def answer(
    decision: Decision,
    equipment: Equipment,
    explain: str,
    timings_ms: dict[str, float],
    recorded: bool = False,
    name: str | None = None,
) -> answer_api.Answer:
    """The answer to one request; only what is recorded has its messages reserved. ``name`` is the customer's."""
    ask, catalogue = decision.ask, equipment.catalogue
    reader = Reader(decision.known.zone, ask.language, name)
    apart = predictions(decision, equipment) if explain == "contributions" else []
    return answer_api.Answer(
        decision_id=ask.decision_id,
        customer_id=ask.customer_id,
        kind=decision.kind,
        decided_at=format_instant(ask.at),
        valid_until=format_instant(decision.valid_until),
        currency=catalogue.currency,
        items=items(decision, recorded, catalogue.currency, reader, apart),
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
        removed=counts(decision),
        funnel=funnel(decision) if explain == "funnel" else None,
        cold_start=decision.cold_start,
        personalised=not decision.by_popularity,
        fallback=bool(decision.shortfalls),
        fallback_reasons=[shortfall.lack.value for shortfall in decision.shortfalls],
        warnings=caveats(decision, equipment),
        limits=[limit(each, ask.language) for each in catalogue.limits],
        recorded=recorded,
        versions=told_versions(decision.versions),
        timings_ms=timings_ms,
    )


def told_versions(versions: Versions) -> answer_api.Versions:
    """What a decision was made with as it goes over the wire."""
    return answer_api.Versions(
        model=versions.model,
        schema=versions.schema,
        catalogue=versions.catalogue,
        policy=versions.policy,
        service=SERVICE_VERSION,
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


def counts(decision: Decision) -> list[answer_api.RuleCount]:
    """How many pairs each rule removed, where it removed any."""
    pairs = decision.funnel.removed.counts()
    if not pairs:
        return []
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


def _money(minor: float) -> float:
    return round(minor * _SCALE) / _SCALE + 0.0  # as all figures are rounded; no -0.0


def _finite(minor: float) -> float | None:
    return _money(minor) if isfinite(minor) else None


def _probability(value: float | None) -> float | None:
    return None if value is None or isnan(value) else round(value, PROBABILITY_DIGITS)
