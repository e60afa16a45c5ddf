"""Finds the items of a request body, and the form of each."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from features.domain import Category, Importance, Instant, Kind, Offer, OfferId
from features.errors import KairosError
from serving.consent import MARKETING
from serving.events.arrival import Arrival, RefusedError, Spoken
from serving.events.cloudevents import cloudevent, is_cloudevent
from serving.events.field import Json
from serving.events.native import native
from serving.events.segment import is_segment, segment

MOST_ITEMS = 500


class BodyError(KairosError):
    """A body that is no batch of events at all."""


class TooManyError(KairosError):
    """More items than one batch may have."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What the reader of events has to know of the world."""

    currency: str
    channels: frozenset[str]
    """Names of the configured channels."""
    category_of: Mapping[str, Category]
    """The category of each offer, for events that name only the offer."""
    raw: bool = False
    """True keeps e-mail addresses and telephone numbers."""
    outbound: frozenset[str] = frozenset()
    """Names of the channels on which a message uses the customer's attention."""
    offer: Mapping[OfferId, Offer] = field(default_factory=dict)
    count_transactional: bool = True
    """Whether messages that do not compete use up slots of others."""


def parse(body: bytes) -> object:
    """The JSON of a body; NaN, Infinity and lone surrogates are not JSON.

    Raises:
        BodyError: Says what is wrong.
    """
    try:
        return json.loads(body, parse_constant=_refuse_constant)
    except RecursionError:
        raise BodyError("the body is nested too deep") from None
    except UnicodeDecodeError:
        raise BodyError("the body is not UTF-8") from None
    except ValueError as error:
        raise BodyError(f"the body is not JSON: {error}") from None


def _refuse_constant(name: str) -> object:
    raise ValueError(f"{name} is no JSON number; leave the field out where the value is unknown")


def items(document: object) -> list[object]:
    """The items of a body: a list, one item alone, or an object with ``events`` (Kairos) or ``batch`` (Segment).

    Raises:
        BodyError: Neither an object nor a list, or a list without items.
        TooManyError: More than 500 items.
    """
    if isinstance(document, Mapping):
        listed = document.get("events", document.get("batch"))
        document = [document] if listed is None else listed
    if not isinstance(document, list) or not document:
        raise BodyError("send one event, a list of events, or an object whose events is a list with at least one")
    if len(document) > MOST_ITEMS:
        raise TooManyError(f"{len(document)} items in one request: at most {MOST_ITEMS}, send the rest in another one")
    return document


def arrivals(item: object, now: Instant, reading: Reading) -> tuple[Arrival, ...]:
    """What one item says happened, in whichever form it came.

    Raises:
        RefusedError: It cannot be taken.
    """
    if not isinstance(item, Mapping):
        raise RefusedError("wrong_type", "an event has to be an object")
    return tuple(_completed(each, reading) for each in _read(item, now, reading))


def _read(item: Json, now: Instant, reading: Reading) -> tuple[Arrival, ...]:
    if is_cloudevent(item):
        return (cloudevent(item, now, reading.raw),)
    if is_segment(item):
        return segment(item, now, reading.currency, reading.raw)
    return (native(item, now, reading.raw),)


def _completed(arrival: Arrival, reading: Reading) -> Arrival:
    if arrival.kind is not None and arrival.channel not in reading.channels:
        known = ", ".join(sorted(reading.channels))
        raise RefusedError("unknown_channel", f"channel {arrival.channel!r} is none of {known}")
    if arrival.category is None and arrival.offer_id is not None:
        arrival = replace(arrival, category=reading.category_of.get(arrival.offer_id))
    if arrival.kind is Kind.SENT and arrival.channel in reading.outbound and not arrival.machine:
        offer = None if arrival.offer_id is None else reading.offer.get(arrival.offer_id)
        return replace(arrival, spoken=spoken_of(offer, reading.count_transactional))
    return arrival


def spoken_of(offer: Offer | None, count_transactional: bool) -> Spoken | None:
    """What a message with this offer, or with one that is not known, uses of the customer's attention."""
    if offer is None:
        return Spoken(MARKETING, 0, counts=True)
    if offer.enclosed:
        return None
    counts = count_transactional or offer.importance is Importance.PROMOTIONAL
    return Spoken(offer.purpose, offer.priority, counts)
