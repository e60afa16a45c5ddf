"""What a customer has begun and not finished: baskets, things looked at, questions, complaints. Each fades."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from math import log2

from features.domain import DAY, ChannelName, Event, Instant, Kind
from features.quick import quick


class Topic(StrEnum):
    """What is open."""

    BASKET = "basket"
    LOOKED_AT = "looked_at"
    QUESTION = "question"
    COMPLAINT = "complaint"


HALF_LIFE_DAYS = {Topic.BASKET: 3.0, Topic.LOOKED_AT: 2.0, Topic.QUESTION: 7.0, Topic.COMPLAINT: 30.0}
"""After this many days an open topic counts half."""
FORGOTTEN = 0.05
"""Below this strength a topic is no longer open."""
_OPENS = {
    Kind.CARTED: Topic.BASKET,
    Kind.CLICKED: Topic.LOOKED_AT,
    Kind.VISITED: Topic.LOOKED_AT,
    Kind.CONTACTED_US: Topic.QUESTION,
    Kind.COMPLAINED: Topic.COMPLAINT,
}
_CLOSED_BY = {
    Topic.BASKET: frozenset({Kind.PURCHASED}),
    Topic.LOOKED_AT: frozenset({Kind.PURCHASED, Kind.DISMISSED}),
    Topic.QUESTION: frozenset[Kind](),
    Topic.COMPLAINT: frozenset[Kind](),
}


def _forgotten_us(topic: Topic) -> int:
    return round(HALF_LIFE_DAYS[topic] * log2(1 / FORGOTTEN) * DAY)


MATTERS_US: Mapping[Kind, int] = {
    kind: max(_forgotten_us(t) for t in Topic if _OPENS.get(kind) is t or kind in _CLOSED_BY[t])
    for kind in Kind
    if kind in _OPENS or any(kind in closing for closing in _CLOSED_BY.values())
}
"""For how long an event of a kind can say what is open; of kinds that are not here, none can."""


@quick(frozen=True, slots=True)
class Intent:
    """One open topic, as its latest event left it."""

    topic: Topic
    about: str | None
    """Category, or offer where no category is known; None where neither is."""
    channel: ChannelName
    """Where it was last taken up: it may be gone on with anywhere."""
    at: Instant
    strength: float
    """2^(-age / half-life), from 1 down to FORGOTTEN."""

    @property
    def sentence(self) -> str:
        """What to do about it, for people."""
        about = f" ({self.about})" if self.about else ""
        words = {
            Topic.BASKET: f"resume the basket{about} begun on {self.channel}",
            Topic.LOOKED_AT: f"go on with what was looked at{about} on {self.channel}",
            Topic.QUESTION: f"answer the question{about} asked on {self.channel}",
            Topic.COMPLAINT: f"settle the complaint{about} made on {self.channel}",
        }
        return words[self.topic]


def open_intents(events: Iterable[Event], at: Instant) -> tuple[Intent, ...]:
    """The topics open at an instant, strongest first, whatever the order of the events.

    A purchase closes the baskets and looks of its category begun before it; one without a category closes all of them.
    """
    known = [event for event in events if event.counts_at <= at]
    latest: dict[tuple[Topic, str | None], Event] = {}
    for event in known:
        topic = _OPENS.get(event.kind)
        if topic is None:
            continue
        key = (topic, _about(event))
        held = latest.get(key)
        if held is None or _order(event) > _order(held):
            latest[key] = event
    found = (
        Intent(
            topic,
            about,
            event.channel,
            event.counts_at,
            2.0 ** (-(at - event.counts_at) / (HALF_LIFE_DAYS[topic] * DAY)),
        )
        for (topic, about), event in latest.items()
        if not any(_closes(other, event, topic) for other in known)
    )
    kept = [intent for intent in found if intent.strength >= FORGOTTEN]
    return tuple(sorted(kept, key=lambda intent: (-intent.strength, intent.topic, intent.about or "")))


def _about(event: Event) -> str | None:
    return event.category or event.offer_id


def _order(event: Event) -> tuple[Instant, str, str]:
    """The later of two events, the same one on every machine where both are of one instant."""
    return event.counts_at, event.source, event.event_id


def _closes(other: Event, event: Event, topic: Topic) -> bool:
    if other.kind not in _CLOSED_BY[topic] or other.counts_at < event.counts_at:
        return False
    return other.category is None or event.category is None or other.category == event.category
