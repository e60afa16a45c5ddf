"""The words of Kairos: customers, channels, offers, events, decisions.

Instants are integers, microseconds since 1970-01-01 UTC; money is integers in minor units of one currency;
an unknown value is ``None``, never 0.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import NewType

from features.quick import quick

CustomerId = NewType("CustomerId", str)
OfferId = NewType("OfferId", str)
ChannelName = NewType("ChannelName", str)
Category = NewType("Category", str)
DecisionId = NewType("DecisionId", str)
EventId = NewType("EventId", str)
Instant = NewType("Instant", int)

SECOND = 1_000_000
HOUR = 3_600 * SECOND
DAY = 24 * HOUR
MAX_ID_LENGTH = 128
OTHER = Category("other")


class Kind(StrEnum):
    """What happened. The value is the word used in every file and on the wire."""

    SENT = "sent"
    DELIVERED = "delivered"
    VIEWED = "viewed"
    CLICKED = "clicked"
    VISITED = "visited"
    CARTED = "carted"
    PURCHASED = "purchased"
    REDEEMED = "redeemed"
    DISMISSED = "dismissed"
    RETURNED = "returned"
    COMPLAINED = "complained"
    UNSUBSCRIBED = "unsubscribed"
    BOUNCED = "bounced"
    CONTACTED_US = "contacted_us"


class Direction(StrEnum):
    """Who starts on a channel: the customer, the sender, or the sender to everyone at once."""

    INBOUND = "inbound"
    OUTBOUND = "outbound"
    BROADCAST = "broadcast"


class Response(StrEnum):
    """What counts as taking an offer: buying what it is for, or redeeming it (a coupon that must be shown)."""

    PURCHASE = "purchase"
    REDEMPTION = "redemption"


class Importance(StrEnum):
    """How a message stands to the others: a promotion competes, a transactional one (an order's status) and a mandatory
    one (a recall) do not."""

    PROMOTIONAL = "promotional"
    TRANSACTIONAL = "transactional"
    MANDATORY = "mandatory"


@dataclass(frozen=True, slots=True)
class Wording:
    """What an offer says on one channel. ``{name}``, ``{offer}``, ``{price}``, ``{terms}`` and ``{valid_to}`` stand for
    the customer's name and the offer's own values, so that price and terms are the same everywhere."""

    channel: ChannelName
    title: str
    body: str


@dataclass(frozen=True, slots=True)
class FollowUp:
    """What is to be decided again some time after a contact, unless something has happened by then."""

    after_hours: float
    unless: tuple[Kind, ...]
    """Kinds of event about the offer that cancel it."""
    channel: ChannelName
    """Where the reminder goes."""
    only_on: ChannelName | None = None
    """The channel of the contact that it follows; None: any."""


@dataclass(frozen=True, slots=True)
class Channel:
    """A way to reach a customer or to be reached."""

    name: ChannelName
    direction: Direction
    addressable: bool
    cost_minor: float
    """Cost of one contact, minor units."""
    consent_purpose: str | None = None
    """The purpose that needs the customer's consent; None where the channel needs none."""


@dataclass(frozen=True, slots=True)
class Offer:
    """What is proposed. Terms stand once, for all channels."""

    offer_id: OfferId
    kind: str
    """Offers are ranked within one kind."""
    category: Category
    name: str
    channels: tuple[ChannelName, ...]
    margin_minor: int
    """Margin of one acceptance before the incentive, minor units."""
    incentive_minor: int
    """Cost of the incentive when it is used, minor units."""
    buys: Category | None = None
    """Purchase category that takes the offer; None where any purchase does."""
    response: Response = Response.PURCHASE
    min_spend_minor: int = 0
    """Spend that takes the offer; 0 when any purchase does."""
    window_days: float = 7.0
    """Attribution window: days after the contact in which an acceptance counts."""
    valid_from: Instant | None = None
    valid_to: Instant | None = None
    """Last instant (inclusive) at which the offer may be made."""
    automatic: bool = False
    """True when the incentive is paid even to a buyer who never noticed the offer."""
    audience: OfferId | None = None
    """When set, only customers who were sent that offer may get this one (a coupon needs its mailed campaign)."""
    importance: Importance = Importance.PROMOTIONAL
    priority: int = 0
    """0–100. Slots are kept for messages above a priority; a lower one that is unconfirmed may be displaced."""
    purpose: str = "marketing"
    """What caps per purpose count it as, such as ``marketing``, ``service`` or ``survey``."""
    price_minor: int | None = None
    """Price asked for, the same on every channel; None where the offer names none."""
    terms: str = ""
    """Terms, once for all channels."""
    wording: tuple[Wording, ...] = ()
    """At most one per channel; a channel without one says the offer's name."""
    stock: int | None = None
    """How often it may be granted in all; None is unlimited, 0 is never."""
    rule: str = ""
    """Predicate over profile, features, context and offer that must hold; empty: none."""
    follow_ups: tuple[FollowUp, ...] = ()

    @property
    def enclosed(self) -> bool:
        """True when the offer came with the mailing of another one: making it is no further contact."""
        return self.audience is not None and self.audience != self.offer_id


@dataclass(frozen=True, slots=True)
class Customer:
    """A person with what is known of them. Profile values are None where unknown."""

    customer_id: CustomerId
    zone: str = "UTC"
    """IANA time zone."""
    profile: dict[str, float | None] = field(default_factory=dict)


@quick(frozen=True, slots=True)
class Event:
    """Something that happened to one customer."""

    source: str
    event_id: EventId
    customer_id: CustomerId
    kind: Kind
    channel: ChannelName
    occurred_at: Instant
    received_at: Instant
    utc_offset_min: int | None = 0
    """Offset of the customer's wall clock from UTC at ``occurred_at``, minutes east; None where only the customer's
    zone can tell it (``moment.on_wall_clock``), which counts as 0 until it does."""
    offer_id: OfferId | None = None
    category: Category | None = None
    value_minor: int | None = None
    """Amount paid, minor units; for ``returned`` the amount given back."""
    discount_minor: int | None = None
    """Reduction granted, minor units, not negative."""
    quantity: float | None = None
    decision_id: DecisionId | None = None

    @property
    def counts_at(self) -> Instant:
        """The instant from which features count this event: never later than when it was learnt."""
        return min(self.occurred_at, self.received_at)
