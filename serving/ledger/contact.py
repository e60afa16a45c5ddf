"""One use of a customer's attention on an outbound channel."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from enum import StrEnum
from typing import NewType

from features.domain import Category, ChannelName, DecisionId, FollowUp, Instant, OfferId
from features.quick import quick

ContactId = NewType("ContactId", str)


class Standing(StrEnum):
    """Where a contact stands. Reserved ones count until they expire; released, expired and displaced ones do not."""

    RESERVED = "reserved"
    CONFIRMED = "confirmed"
    SENT = "sent"
    """Gone out as it was granted; what has gone out can no longer be released."""
    RELEASED = "released"
    EXPIRED = "expired"
    DISPLACED = "displaced"
    OVERDRAWN = "overdrawn"
    """Sent without a valid reservation: it counts as it happened."""


@quick(frozen=True, slots=True)
class Contact:
    """One message, with every offer it carries."""

    contact_id: ContactId
    channel: ChannelName
    moment: Instant
    """When it goes out."""
    offers: tuple[OfferId, ...]
    categories: tuple[Category, ...]
    purposes: tuple[str, ...]
    priority: int
    counts: bool
    """False: it uses up no slot of others."""
    standing: Standing
    expires_at: Instant
    """Until when a reservation must be confirmed."""
    decision_id: DecisionId | None = None
    follow_ups: tuple[tuple[OfferId, FollowUp], ...] = ()
    """What is to follow each offer, where it is still to be granted; not told of contacts that are read."""

    capped: bool = True
    """False: transactional or mandatory, which no cap holds back; not told of contacts that are read."""

    def counts_at(self, at: Instant) -> bool:
        """True where it uses up a slot, as seen from an instant."""
        if self.standing is Standing.RESERVED:
            return self.counts and at < self.expires_at
        return self.counts and self.standing in (Standing.CONFIRMED, Standing.SENT, Standing.OVERDRAWN)


@quick(frozen=True, slots=True)
class Ledger:
    """The contacts of one customer that may matter, and what all customers together have used up."""

    contacts: tuple[Contact, ...] = ()
    revision: int = 0
    """Changes whenever anything that a decision about this customer rests on does."""
    taken: Mapping[str, float] = field(default_factory=dict)
    """Of each shared stock, capacity and budget, by its key: what is granted and not given back."""
