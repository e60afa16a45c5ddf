"""Messages that went out are matched with what was granted; what was not is counted as it happened."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import bindparam, insert, update

from features.domain import Category, ChannelName, CustomerId, Instant, OfferId
from serving.events.arrival import Arrival, Spoken
from serving.journal.contacts import Held, find, held, held_in
from serving.journal.counters import take_after_all
from serving.journal.names import book
from serving.journal.past_contacts import past_id
from serving.journal.reserving import row
from serving.journal.schema import CONTACT_CHANGES, CONTACTS
from serving.journal.standings import change, release
from serving.journal.transaction import Transaction
from serving.ledger.contact import Contact, ContactId, Standing
from serving.ledger.coverage import covers

OVERDRAWN = "overdrawn: it went out without a valid reservation and counts as it happened"
NAMED = "contact_id"
"""The field of an event that names the contact."""
_OF_DECISION = (
    held()
    .where(CONTACTS.c.decision_id == bindparam("decided"), CONTACTS.c.channel == bindparam("channel"))
    .order_by(CONTACTS.c.contact_id)
)
_SAME_MESSAGE = (
    held()
    .where(
        CONTACTS.c.identity_id == bindparam("whose"),
        CONTACTS.c.moment_us == bindparam("moment"),
        CONTACTS.c.channel == bindparam("channel"),
        CONTACTS.c.standing == Standing.OVERDRAWN.value,
    )
    .order_by(CONTACTS.c.contact_id)
)
_ABOUT = (
    update(CONTACTS)
    .where(CONTACTS.c.contact_id == bindparam("which"))
    .values(offers=bindparam("o"), categories=bindparam("c"), purposes=bindparam("p"))
)
_GRANT, _ADD = insert(CONTACTS), insert(CONTACT_CHANGES)


@dataclass(frozen=True, slots=True)
class Sent:
    """A message as it was journalled."""

    arrival: Arrival
    spoken: Spoken
    position: int
    identity_id: int
    customer_id: CustomerId


def note_sent(transaction: Transaction, sent: Sent, at: Instant) -> str | None:
    """Count a message; returns what its sender should know, None where it was granted.

    What is told of several offers of one message, at one instant on one channel, is one contact.
    """
    found = _granted(transaction, sent)
    if found is None:
        _overdraw(transaction, sent, _contact(sent), at)
        return OVERDRAWN
    contact_id, standing = found.contact.contact_id, found.contact.standing
    if covers(found.contact, sent.arrival.occurred_at):
        if standing is not Standing.SENT:
            change(transaction, [contact_id], Standing.SENT, at, f"sent: event {sent.position}")
        return None
    if standing in (Standing.RESERVED, Standing.CONFIRMED):
        release(transaction, contact_id, at, f"sent at another time than was granted: event {sent.position}")
    made = _overdraw(transaction, sent, _as_granted(found.contact, _contact(sent)), at)
    if made is not None and standing is not Standing.SENT:
        take_after_all(transaction.connection, contact_id, made)
    return OVERDRAWN


def _granted(transaction: Transaction, sent: Sent) -> Held | None:
    """The contact that the event names, or that of the decision that it names, the one with its offer first."""
    arrival, connection = sent.arrival, transaction.connection
    named = arrival.extra.get(NAMED)
    if isinstance(named, str):
        return find(connection, ContactId(named))
    if arrival.decision_id is None:
        return None
    asked = {"decided": arrival.decision_id, "channel": arrival.channel}
    found = [held_in(each) for each in connection.execute(_OF_DECISION, asked)]
    return next((each for each in found if arrival.offer_id in each.contact.offers), found[0] if found else None)


def _overdraw(transaction: Transaction, sent: Sent, contact: Contact, at: Instant) -> ContactId | None:
    """Keep a contact that was never granted; None where the message is known and only its offers are added."""
    connection = transaction.connection
    asked = {"whose": sent.identity_id, "moment": contact.moment, "channel": contact.channel}
    same = connection.execute(_SAME_MESSAGE, asked).first()
    if same is None:
        whose = {"identity_id": sent.identity_id, "customer_id": sent.customer_id, "zone": "", "policy": ""}
        connection.execute(_GRANT, [row(contact, sent.position, at) | whose])
        connection.execute(_ADD, _beginning(contact, sent.position, at))
    else:
        columns = row(_with(held_in(same).contact, contact), sent.position, at)
        about = {"o": columns["offers"], "c": columns["categories"], "p": columns["purposes"]}
        connection.execute(_ABOUT, [{"which": held_in(same).contact.contact_id} | about])
    book(connection, [sent.customer_id], sent.position)
    return contact.contact_id if same is None else None


def _as_granted(granted: Contact, sent: Contact) -> Contact:
    """What went out, with all that the grant says of it."""
    return replace(
        _with(granted, sent),
        contact_id=sent.contact_id,
        moment=sent.moment,
        standing=sent.standing,
        expires_at=sent.expires_at,
    )


def _beginning(contact: Contact, position: int, at: Instant) -> dict[str, object]:
    """The change that such a contact begins with, as it was never granted."""
    return {
        "position": position,
        "contact_id": contact.contact_id,
        "was": "",
        "standing": contact.standing.value,
        "moment_us": contact.moment,
        "at_us": at,
        "reason": f"sent without a reservation: event {position}",
    }


def _contact(sent: Sent) -> Contact:
    arrival, spoken = sent.arrival, sent.spoken
    return Contact(
        past_id(sent.position),
        ChannelName(arrival.channel),
        arrival.occurred_at,
        () if arrival.offer_id is None else (OfferId(arrival.offer_id),),
        () if arrival.category is None else (Category(arrival.category),),
        (spoken.purpose,),
        spoken.priority,
        spoken.counts,
        Standing.OVERDRAWN,
        arrival.occurred_at,
        arrival.decision_id,
    )


def _with(contact: Contact, other: Contact) -> Contact:
    """One message that carries what both carry."""
    return replace(
        contact,
        offers=tuple(dict.fromkeys((*contact.offers, *other.offers))),
        categories=tuple(dict.fromkeys((*contact.categories, *other.categories))),
        purposes=tuple(dict.fromkeys((*contact.purposes, *other.purposes))),
        priority=max(contact.priority, other.priority),
        counts=contact.counts or other.counts,
    )


def note_all(transaction: Transaction, sent: Sequence[Sent], at: Instant) -> dict[int, str]:
    """What the senders should know, by the position of the event."""
    told = ((each.position, note_sent(transaction, each, at)) for each in sent)
    return {position: note for position, note in told if note is not None}
