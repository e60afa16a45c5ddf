"""Kairos's own form of an event: flat, with the words of the data contract."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TypeVar

from features.domain import Category, ChannelName, DecisionId, EventId, Instant, Kind, OfferId
from serving.events.arrival import Arrival, RefusedError
from serving.events.extra import kept
from serving.events.field import Json, document, flag, instant, number, offset, required, text, whole
from serving.events.machine import opened_by_machine
from serving.identity.identity import Identity, distinct, identity
from serving.identity.namespace import CUSTOMER, IdentityError

T = TypeVar("T")

DEFAULT_SOURCE = "api"
MOST_IDENTITIES = 10
FIELDS = frozenset(
    {
        "source",
        "event_id",
        "customer_id",
        "identities",
        "kind",
        "channel",
        "occurred_at",
        "utc_offset_min",
        "offer_id",
        "category",
        "value_minor",
        "discount_minor",
        "quantity",
        "decision_id",
        "machine",
    }
)


def native(item: Json, now: Instant, raw: bool = False) -> Arrival:
    """One event in Kairos's own form. Fields that are not in FIELDS are kept.

    Args:
        item: The JSON object.
        now: The present, for events that do not say when they happened and to refuse those of the future.
        raw: True keeps e-mail addresses and telephone numbers in fields that Kairos does not know.

    Raises:
        RefusedError: Says which field is wrong and how it would be right.
    """
    kind, channel = kind_of(required(item, "kind")), required(item, "channel")
    occurred_at, written_offset = instant(item, "occurred_at", now)
    explicit = offset(item, "utc_offset_min")
    return Arrival(
        source=text(item, "source") or DEFAULT_SOURCE,
        event_id=EventId(required(item, "event_id")),
        identities=identities_of(item),
        kind=kind,
        channel=ChannelName(channel),
        occurred_at=occurred_at,
        utc_offset_min=written_offset if explicit is None else explicit,
        offer_id=_if_given(OfferId, text(item, "offer_id")),
        category=_if_given(Category, text(item, "category")),
        value_minor=whole(item, "value_minor"),
        discount_minor=whole(item, "discount_minor"),
        quantity=number(item, "quantity"),
        decision_id=_if_given(DecisionId, text(item, "decision_id")),
        machine=flag(item, "machine") or opened_by_machine(kind, channel, user_agent(item)),
        extra=kept({name: value for name, value in item.items() if name not in FIELDS}, raw),
    )


def _if_given(make: Callable[[str], T], value: str | None) -> T | None:
    return None if value is None else make(value)


def kind_of(word: str) -> Kind:
    """The kind that a word means, whatever its case. Raises RefusedError with the list of all."""
    try:
        return Kind(word.lower())
    except ValueError:
        raise RefusedError("unknown_kind", f"kind {word[:40]!r} is none of {', '.join(Kind)}") from None


def user_agent(item: Json) -> str | None:
    """The program that reported the event, where it is told."""
    value = item.get("user_agent") or document(item, "context").get("userAgent")
    return value if isinstance(value, str) else None


def identities_of(item: Json) -> tuple[Identity, ...]:
    """The names in ``customer_id`` and ``identities``, each once, strongest first.

    Raises:
        RefusedError: None at all, too many, or one that cannot be a name.
    """
    try:
        found = distinct(_named(item))
    except IdentityError as error:
        raise RefusedError("wrong_identity", str(error)) from None
    if not found:
        raise RefusedError("no_identity", "nobody is named: send customer_id or identities")
    return found


def _named(item: Json) -> Iterator[Identity]:
    customer_id = text(item, "customer_id")
    if customer_id is not None:
        yield identity(CUSTOMER, customer_id)
    listed = item.get("identities") or ()
    if not isinstance(listed, list | tuple):
        raise RefusedError("wrong_type", "identities has to be a list of objects with namespace and value")
    if len(listed) > MOST_IDENTITIES:
        raise RefusedError("too_many_names", f"{len(listed)} identities in one item: at most {MOST_IDENTITIES}")
    for each in listed:
        if not isinstance(each, Mapping):
            raise RefusedError("wrong_type", "each of identities has to be an object with namespace and value")
        yield identity(required(each, "namespace"), required(each, "value", 512))
