"""Messages of a history that is loaded use the customers' attention as those of today do."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, bindparam, insert, select

from features.domain import Category, ChannelName, Instant, Kind, OfferId
from serving.events.arrival import Spoken
from serving.journal.reserving import row
from serving.journal.schema import CONTACTS, EVENTS
from serving.journal.transaction import Transaction
from serving.ledger.contact import Contact, ContactId, Standing


@dataclass(frozen=True, slots=True)
class Reckoning:
    """What of a history is a contact."""

    since: Instant
    """What went out before it can matter to nobody any more."""
    spoken: Callable[[ChannelName, OfferId | None], Spoken | None]
    """What a message used of the customer's attention; None for what used none."""


_SENT = (
    select(EVENTS)
    .where(
        EVENTS.c.position > bindparam("above"),
        EVENTS.c.kind == Kind.SENT.value,
        EVENTS.c.machine.is_(False),
        EVENTS.c.occurred_us >= bindparam("since"),
    )
    .order_by(EVENTS.c.position)
)
_ADD = insert(CONTACTS)


def past_id(position: int) -> ContactId:
    """The contact of a message that nobody had granted, by the position of the event that told of it first."""
    return ContactId(f"sent-{position}")


def count_past(transaction: Transaction, above: int, reckoning: Reckoning, at: Instant) -> int:
    """Add a contact for each message among the events above a position; returns how many.

    Events of one customer, channel and instant tell of one message.
    """
    messages: dict[tuple[int, str, int], list[tuple[Row[Any], Spoken]]] = defaultdict(list)
    for event in transaction.connection.execute(_SENT, {"above": above, "since": reckoning.since}):
        offer_id = None if event.offer_id is None else OfferId(event.offer_id)
        spoken = reckoning.spoken(ChannelName(event.channel), offer_id)
        if spoken is not None:
            messages[event.identity_id, event.channel, event.occurred_us].append((event, spoken))
    rows = [_row(told, at) for told in messages.values()]
    if rows:
        transaction.connection.execute(_ADD, rows)
    return len(rows)


def _row(told: Sequence[tuple[Row[Any], Spoken]], at: Instant) -> dict[str, object]:
    first = told[0][0]
    moment = Instant(first.occurred_us)
    contact = Contact(
        past_id(first.position),
        ChannelName(first.channel),
        moment,
        tuple(dict.fromkeys(OfferId(event.offer_id) for event, _ in told if event.offer_id is not None)),
        tuple(dict.fromkeys(Category(event.category) for event, _ in told if event.category is not None)),
        tuple(dict.fromkeys(spoken.purpose for _, spoken in told)),
        max(spoken.priority for _, spoken in told),
        any(spoken.counts for _, spoken in told),
        Standing.SENT,
        moment,
        first.decision_id,
    )
    whose = {"identity_id": first.identity_id, "customer_id": first.customer_id, "zone": "", "policy": ""}
    return row(contact, first.position, at) | whose
