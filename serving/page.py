"""The page of one customer for people who talk to customers."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from features.domain import CustomerId, DecisionId, Event, Instant, Kind
from features.fold import fold
from features.instant import format_instant
from features.intent import open_intents
from features.schema import BY_CATEGORY
from features.stage import DEFAULT, STAGES, Stage
from features.state import empty
from serving import live_api as api
from serving.attribution import Came
from serving.consent import Consent, Topic
from serving.journal import Journal
from serving.journal.consents import consents_of
from serving.journal.past import gaps
from serving.journal.timeline import Entry, called, names_of, recent_decisions, timeline
from serving.pairs import keyed, memory_of
from serving.wire import topic

LENGTH = 50
LAST = 5
CONTACTS = frozenset({Kind.SENT, Kind.DELIVERED, Kind.CONTACTED_US})


@dataclass(frozen=True)
class Page:
    """Writes the pages of one journal."""

    journal: Journal
    decide: Callable[[CustomerId], dict[str, Any] | None]
    """The answer to a decision asked for without any consequence; None where none can be made."""
    came_of: Callable[[DecisionId], list[Came]]
    """What came of a decision."""

    def write(self, customer_id: CustomerId, at: Instant, before: int | None) -> api.CustomerPage | None:
        """The page as of an instant, its timeline below position ``before``; None for a customer nobody knows."""
        with self.journal.reading() as connection:
            names = names_of(connection, customer_id)
            if not names:
                return None
            entries = timeline(connection, customer_id, before, LENGTH + 1)
            events = [event for gap in gaps(connection, {customer_id: 0}) for event in gap.events]
            decided = recent_decisions(connection, customer_id, LAST)
            held = consents_of(connection, customer_id)
            name = called(connection, customer_id)
        made = [_offer(decision_id, answer, self.came_of(decision_id)) for decision_id, answer in decided]
        answer = self.decide(customer_id) or {}
        latest = sorted(events, key=lambda event: event.counts_at, reverse=True)
        return api.CustomerPage(
            customer_id=customer_id,
            name=name,
            names=dict(Counter(str(name["namespace"]) for name in names)),
            last_order=next((_happened(event) for event in latest if event.kind is Kind.PURCHASED), None),
            open_topics=[topic(intent) for intent in open_intents(events, at)],
            last_contacts=[_happened(event) for event in latest if event.kind in CONTACTS][:LAST],
            last_offers=made,
            next_best_offer=next(iter(answer.get("items", ())), None),
            preferred_channel=answer.get("preferred_channel"),
            stages=stages_of(events, at),
            consents=statements(held),
            timeline=[_entry(entry) for entry in entries[:LENGTH]],
            cursor=str(entries[LENGTH - 1].position) if len(entries) > LENGTH else None,
        )


def stages_of(events: Sequence[Event], at: Instant) -> list[api.StageHeld]:
    """The stage of the buying cycle in each category that the customer ever touched, the least idle first."""
    state = fold(empty(), events)
    categories = list(memory_of(state, BY_CATEGORY).keys)
    if not categories:
        return []
    belief = DEFAULT.belief(keyed(state, BY_CATEGORY, categories, at))
    found = [
        api.StageHeld(
            category=category,
            stage=STAGES[int(chances.argmax())],
            probabilities={str(stage): round(float(p), 6) for stage, p in zip(STAGES, chances, strict=True)},
        )
        for category, chances in zip(categories, belief, strict=True)
    ]
    return sorted(found, key=lambda each: each.probabilities[Stage.IDLE])


def statements(held: dict[Topic, Consent]) -> list[api.ConsentHeld]:
    """The statements that hold, as they go over the wire."""
    return [
        api.ConsentHeld(
            purpose=consent.purpose,
            channel=consent.channel or None,
            granted=consent.granted,
            at=format_instant(consent.at),
            source=consent.source,
        )
        for consent in held.values()
    ]


def _offer(decision_id: DecisionId, answer: str, came: list[Came]) -> api.OfferMade:
    given = json.loads(answer)
    first: dict[str, Any] = next(iter(given.get("items", ())), {})
    return api.OfferMade(
        decision_id=decision_id,
        decided_at=given.get("decided_at", ""),
        offer_id=first.get("offer_id"),
        name=first.get("name"),
        channel=first.get("channel"),
        outcomes=[each.event.kind for each in came if each.attributed],
    )


def _happened(event: Event) -> api.TimelineEntry:
    return api.TimelineEntry(
        kind=event.kind,
        channel=event.channel,
        occurred_at=format_instant(event.occurred_at),
        offer_id=event.offer_id,
        category=event.category,
        value_minor=event.value_minor,
        decision_id=event.decision_id,
        machine=False,
    )


def _entry(entry: Entry) -> api.TimelineEntry:
    return api.TimelineEntry(
        kind=entry.kind,
        channel=entry.channel,
        occurred_at=format_instant(entry.occurred_at),
        offer_id=entry.offer_id,
        category=entry.category,
        value_minor=entry.value_minor,
        decision_id=entry.decision_id,
        machine=entry.machine,
    )
