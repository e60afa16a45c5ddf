"""An event as it arrives: under names, not yet of a customer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from features.domain import Category, ChannelName, DecisionId, EventId, Instant, Kind, OfferId
from features.errors import KairosError
from serving.identity.identity import Identity


@dataclass(frozen=True, slots=True)
class Spoken:
    """What a message used of the customer's attention."""

    purpose: str
    priority: int
    counts: bool
    """False: it uses up no slot of others."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """One thing that happened, or (without a kind) one statement about who is who."""

    source: str
    event_id: EventId
    identities: tuple[Identity, ...]
    """At least one, each once, strongest first."""
    kind: Kind | None
    channel: ChannelName
    occurred_at: Instant
    utc_offset_min: int | None = None
    """Minutes east of UTC on the customer's wall clock; None: what the customer's zone says."""
    offer_id: OfferId | None = None
    category: Category | None = None
    value_minor: int | None = None
    discount_minor: int | None = None
    quantity: float | None = None
    decision_id: DecisionId | None = None
    machine: bool = False
    """True for what a machine did in the customer's name, such as a mail proxy that loads every image."""
    extra: Mapping[str, object] = field(default_factory=dict)
    """Fields that Kairos does not know, kept as they came."""
    spoken: Spoken | None = None
    """Set where a message went out to the customer; None for what uses no attention."""


class Status(StrEnum):
    """What became of one item."""

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Receipt:
    """The answer to one item."""

    status: Status
    source: str | None = None
    event_id: str | None = None
    customer_id: str | None = None
    position: int | None = None
    code: str | None = None
    why: str | None = None
    notes: tuple[str, ...] = ()
    """What else was done or left undone, such as a join of two customers and why not."""


class RefusedError(KairosError):
    """An item that cannot be taken; the others of its batch are not touched by it."""

    def __init__(self, code: str, why: str) -> None:
        super().__init__(why)
        self.code = code
        self.why = why
