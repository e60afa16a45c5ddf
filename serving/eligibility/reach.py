"""Whether the channel may be used for this customer at all."""

from __future__ import annotations

from features.domain import DAY, Kind
from features.instant import format_instant
from serving.eligibility.objection import Objection, about
from serving.eligibility.shelf import Shelf
from serving.eligibility.situation import Situation

BOUNCE_DAYS = 30
"""Days for which a channel is given up after a message on it bounced, unless the customer was seen there since."""
SEEN = frozenset({Kind.DELIVERED, Kind.VIEWED, Kind.CLICKED})
"""Signs that messages on a channel arrive."""


def channel_closed(shelf: Shelf, _: Situation) -> Objection | None:
    """Pairs on channels that the policy closes."""
    if shelf.closed is None:
        return None
    return about(shelf.closed, lambda place: f"{shelf.pairs[place].channel.name} is closed")


def channel_not_allowed(shelf: Shelf, situation: Situation) -> Objection | None:
    """Pairs on channels that the caller does not name."""
    allowed = situation.channels
    if allowed is None or allowed.issuperset(shelf.catalogue.channel):
        return None
    return about(
        shelf.on(name not in allowed for name in shelf.channel_names()), lambda place: shelf.pairs[place].channel.name
    )


def channel_not_open(shelf: Shelf, situation: Situation) -> Objection | None:
    """Inbound channels on which nobody says that the customer is."""
    if situation.channels is not None:
        return None
    return about(
        shelf.inbound,
        lambda place: f"{shelf.pairs[place].channel.name} is inbound and not named in the request's channels",
    )


def not_addressable(shelf: Shelf, situation: Situation) -> Objection | None:
    """Channels on which this customer cannot be reached."""
    bounced = _bounced(situation)
    pairs = shelf.unaddressable
    if bounced:
        there = shelf.outbound & shelf.on(name in bounced for name in shelf.channel_names())
        pairs = there if pairs is None else pairs | there
    if pairs is None:
        return None

    def why(place: int) -> str:
        name = shelf.pairs[place].channel.name
        return f"bounced {bounced[name]}" if name in bounced else f"{name} cannot address one customer"

    return about(pairs, why)


def _bounced(situation: Situation) -> dict[str, str]:
    """Channels whose latest message bounced, with when that was."""
    events = situation.known.events
    if not events:
        return {}
    latest = {e.channel: e for e in sorted(events, key=lambda e: e.counts_at) if e.kind in SEEN | {Kind.BOUNCED}}
    return {
        name: format_instant(e.counts_at)
        for name, e in latest.items()
        if e.kind is Kind.BOUNCED and situation.at - e.counts_at < BOUNCE_DAYS * DAY
    }
