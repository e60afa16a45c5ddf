"""What a customer has begun and not finished: baskets, things looked at, questions, complaints. Each fades."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from math import log2

from features.domain import DAY, Category, ChannelName, Event, EventId, Instant, Kind, OfferId
from features.quick import quick
from features.state import NEVER


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


@quick(frozen=True, slots=True)
class Opening:
    """What an event can have begun."""

    kind: Kind
    channel: ChannelName
    offer_id: OfferId | None
    category: Category | None
    at: Instant
    """From when it counts."""
    source: str
    event_id: EventId


Closing = tuple[Kind, Category | None, Instant]
"""What an event can have ended: its kind, the category it was in (None: it ends what was begun in any), and when."""
OPENING = frozenset(_OPENS)
CLOSING = frozenset[Kind]().union(*_CLOSED_BY.values())


def closable(kind: Kind) -> bool:
    """True where what an event of the kind begins can be ended by another event."""
    return bool(_CLOSED_BY[_OPENS[kind]])


def open_intents(events: Iterable[Event], at: Instant) -> tuple[Intent, ...]:
    """The topics open at an instant, strongest first, whatever the order of the events.

    A purchase closes the baskets and looks of its category begun before it; one without a category closes all of them.
    """
    told = list(events)
    openings = [
        Opening(e.kind, e.channel, e.offer_id, e.category, e.counts_at, e.source, e.event_id)
        for e in told
        if e.kind in OPENING
    ]
    return open_topics(openings, [(e.kind, e.category, e.counts_at) for e in told if e.kind in CLOSING], at)


def open_topics(openings: Iterable[Opening], closings: Iterable[Closing], at: Instant) -> tuple[Intent, ...]:
    """The same of what the events can have begun and ended."""
    latest: dict[tuple[Topic, str | None], Opening] = {}
    for opening in openings:
        if opening.at <= at:
            key = _OPENS[opening.kind], opening.category or opening.offer_id
            held = latest.get(key)
            if held is None or _order(opening) > _order(held):
                latest[key] = opening
    if not latest:
        return ()
    ended: dict[tuple[Kind, str | None], Instant] = {}
    for kind, category, closed_at in closings:
        if closed_at <= at and closed_at > ended.get((kind, category), NEVER):
            ended[kind, category] = closed_at
    found = []
    for (topic, about), opening in latest.items():
        strength = 2.0 ** (-(at - opening.at) / (HALF_LIFE_DAYS[topic] * DAY))
        if strength >= FORGOTTEN and not any(_ends(kind, ended, opening) for kind in _CLOSED_BY[topic]):
            found.append(Intent(topic, about, opening.channel, opening.at, strength))
    return tuple(sorted(found, key=lambda intent: (-intent.strength, intent.topic, intent.about or "")))


def _order(opening: Opening) -> tuple[Instant, str, str]:
    """The later of two, the same one on every machine where both are of one instant."""
    return opening.at, opening.source, opening.event_id


def _ends(kind: Kind, ended: Mapping[tuple[Kind, str | None], Instant], opening: Opening) -> bool:
    """True where one of the kind came no earlier, in the same category or without telling which."""
    if opening.category is None:
        return any(closed == kind and at >= opening.at for (closed, _), at in ended.items())
    return max(ended.get((kind, None), NEVER), ended.get((kind, opening.category), NEVER)) >= opening.at
