"""Whether a message that went out is the one that was granted."""

from __future__ import annotations

from features.domain import DAY, HOUR, Instant
from serving.ledger.contact import Contact, Standing

EARLY_US = HOUR
"""How long before its moment a message may go out."""
LATE_US = DAY
"""How long after its moment a confirmed message may go out: senders work off queues."""


def covers(contact: Contact, sent_at: Instant) -> bool:
    """True where the contact is a grant for a message that went out then.

    A reservation that nobody confirmed is one until it expires.
    """
    if sent_at < contact.moment - EARLY_US:
        return False
    if contact.standing is Standing.RESERVED:
        return sent_at < contact.expires_at
    return contact.standing in (Standing.CONFIRMED, Standing.SENT) and sent_at <= contact.moment + LATE_US
