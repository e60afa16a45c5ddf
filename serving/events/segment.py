"""Segment's identify, track, alias, page and screen, with the event names of its commerce, e-mail and mobile specs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from features.domain import Category, ChannelName, EventId, Instant, Kind, OfferId
from serving.events.arrival import Arrival, RefusedError
from serving.events.extra import kept
from serving.events.field import Json, document, instant, number, required, text
from serving.events.machine import opened_by_machine
from serving.events.money import minor
from serving.events.native import user_agent
from serving.identity.identity import Identity, distinct, identity
from serving.identity.namespace import ANONYMOUS, CUSTOMER, DEVICE, IdentityError

TYPES = ("identify", "track", "alias", "page", "screen")
TRACKED: Mapping[str, Kind] = {
    "product viewed": Kind.VISITED,
    "product list viewed": Kind.VISITED,
    "products searched": Kind.VISITED,
    "product list filtered": Kind.VISITED,
    "product clicked": Kind.CLICKED,
    "product added": Kind.CARTED,
    "product added to wishlist": Kind.CARTED,
    "cart viewed": Kind.CARTED,
    "checkout started": Kind.CARTED,
    "order completed": Kind.PURCHASED,
    "order refunded": Kind.RETURNED,
    "promotion viewed": Kind.VIEWED,
    "promotion clicked": Kind.CLICKED,
    "coupon applied": Kind.REDEEMED,
    "email sent": Kind.SENT,
    "email delivered": Kind.DELIVERED,
    "email opened": Kind.VIEWED,
    "email link clicked": Kind.CLICKED,
    "email bounced": Kind.BOUNCED,
    "email marked as spam": Kind.COMPLAINED,
    "unsubscribed": Kind.UNSUBSCRIBED,
    "push notification received": Kind.DELIVERED,
    "push notification tapped": Kind.CLICKED,
    "push notification bounced": Kind.BOUNCED,
    "application opened": Kind.VISITED,
    "live chat conversation started": Kind.CONTACTED_US,
    "live chat message sent": Kind.CONTACTED_US,
}
"""What each event name of Segment's specifications means; the words of Kairos are understood as well."""
_KNOWN = frozenset(
    {"type", "messageId", "userId", "anonymousId", "previousId", "timestamp", "originalTimestamp", "event", "source"}
)
_MOBILE = ("android", "ios", "iphone", "ipad", "kotlin", "swift", "react-native", "flutter")


def is_segment(item: Json) -> bool:
    """True where the item is one of Segment's calls."""
    return item.get("type") in TYPES and "specversion" not in item and "kind" not in item


def segment(item: Json, now: Instant, currency: str, raw: bool = False) -> tuple[Arrival, ...]:
    """The events of one call: one, but for an order with products of several categories, which is one per category.

    Args:
        item: The JSON object.
        now: The present.
        currency: ISO 4217; amounts in another one are refused.
        raw: True keeps e-mail addresses and telephone numbers in traits and properties.

    Raises:
        RefusedError: Nobody is named, the event's name means nothing here, or a field is wrong.
    """
    call, properties = required(item, "type"), document(item, "properties")
    kind = _kind(item, call)
    channel = _channel(item, call, properties)
    name = "timestamp" if item.get("timestamp") is not None else "originalTimestamp"
    occurred_at, utc_offset_min = instant(item, name, now)
    arrival = Arrival(
        source=text(item, "source") or "segment",
        event_id=EventId(required(item, "messageId")),
        identities=_identities(item, call),
        kind=kind,
        channel=ChannelName(channel),
        occurred_at=occurred_at,
        utc_offset_min=utc_offset_min,
        offer_id=_offer(properties),
        category=_category(properties),
        value_minor=_value(properties, currency) if kind in (Kind.PURCHASED, Kind.RETURNED) else None,
        discount_minor=minor(properties, "discount", currency) if kind is Kind.PURCHASED else None,
        quantity=number(properties, "quantity"),
        machine=opened_by_machine(kind, channel, user_agent(item)),
        extra=kept({name: value for name, value in item.items() if name not in _KNOWN}, raw),
    )
    parts = _per_category(properties, currency) if kind is Kind.PURCHASED else {}
    if len(parts) < 2:
        only = next(iter(parts), None)
        return (arrival if arrival.category or not only else replace(arrival, category=Category(only)),)
    return tuple(_parts(arrival, parts))


def _kind(item: Json, call: str) -> Kind | None:
    if call in ("identify", "alias"):
        return None
    if call in ("page", "screen"):
        return Kind.VISITED
    name = required(item, "event").strip().lower()
    found = TRACKED.get(name)
    if found is None and name.replace(" ", "_") in set(Kind):
        found = Kind(name.replace(" ", "_"))
    if found is None:
        raise RefusedError(
            "unknown_event", f"event {name!r} means nothing here: use a name of Segment's specs or {', '.join(Kind)}"
        )
    return found


def _identities(item: Json, call: str) -> tuple[Identity, ...]:
    try:
        found = distinct(_named(item, call))
    except IdentityError as error:
        raise RefusedError("wrong_identity", str(error)) from None
    if not found:
        raise RefusedError("no_identity", "nobody is named: send userId or anonymousId")
    if call == "alias" and len(found) < 2:
        raise RefusedError("no_identity", "an alias needs previousId and userId, and they have to differ")
    return found


def _named(item: Json, call: str) -> Iterator[Identity]:
    user, anonymous, previous = (text(item, name) for name in ("userId", "anonymousId", "previousId"))
    if user is not None:
        yield identity(CUSTOMER, user)
    if anonymous is not None:
        yield identity(ANONYMOUS, anonymous)
    if call == "alias" and previous is not None:
        yield identity(ANONYMOUS, previous)
    device = text(document(document(item, "context"), "device"), "id")
    if device is not None:
        yield identity(DEVICE, device)
    traits = document(item, "traits") if call == "identify" else {}
    for name in ("email", "phone"):
        if traits.get(name) is not None:
            yield identity(name, required(traits, name, 512))


def _channel(item: Json, call: str, properties: Json) -> str:
    told = text(properties, "channel") or text(item, "kairos_channel")
    if told is not None:
        return told
    words = str(item.get("event") or "").lower().split()
    if words[:1] == ["email"] or words == ["unsubscribed"]:
        return "email"
    if words[:1] == ["push"]:
        return "push"
    if words[:2] == ["live", "chat"]:
        return "chat"
    context = document(item, "context")
    library = str(document(context, "library").get("name") or "").lower()
    mobile = call == "screen" or words[:1] == ["application"] or any(word in library for word in _MOBILE)
    return "app" if mobile else "web"


def _offer(properties: Json) -> OfferId | None:
    for name in ("offer_id", "promotion_id", "coupon_id", "campaign_id"):
        found = text(properties, name)
        if found is not None:
            return OfferId(found)
    return None


def _category(properties: Json) -> Category | None:
    found = text(properties, "category")
    return None if found is None else Category(found)


def _value(properties: Json, currency: str) -> int | None:
    for name in ("revenue", "total", "value", "subtotal"):
        if properties.get(name) is not None:
            return minor(properties, name, currency)
    return None


def _per_category(properties: Json, currency: str) -> dict[str, int]:
    """What the products of an order cost by category, minor units; products without a category are left out."""
    found: dict[str, int] = {}
    products = properties.get("products")
    for product in products if isinstance(products, list) else ():
        if isinstance(product, Mapping) and (category := text(product, "category")) is not None:
            pieces = number(product, "quantity")
            price = minor({**product, "currency": properties.get("currency")}, "price", currency) or 0
            found[category] = found.get(category, 0) + round(price * (1 if pieces is None else pieces))
    return found


def _parts(arrival: Arrival, parts: Mapping[str, int]) -> Iterator[Arrival]:
    """One purchase per category. The discount of the whole order stays with the first."""
    for number_of, (category, value) in enumerate(sorted(parts.items())):
        yield replace(
            arrival,
            event_id=EventId(arrival.event_id if number_of == 0 else f"{arrival.event_id[:120]}#{number_of}"),
            category=Category(category),
            value_minor=value,
            discount_minor=arrival.discount_minor if number_of == 0 else None,
            extra=arrival.extra if number_of == 0 else {},
        )
