"""Where contacts stand: confirmed, released, expired, displaced, or sent without having been granted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import Connection, bindparam, insert, select, update

from features.domain import CustomerId, Instant
from serving.journal.contacts import COUNTING, Held, find, held, held_in
from serving.journal.counters import give_back
from serving.journal.names import book
from serving.journal.schema import CONTACT_CHANGES, CONTACTS, IDENTITIES
from serving.journal.transaction import Transaction
from serving.ledger.contact import ContactId, Standing

_WHICH = held().where(CONTACTS.c.contact_id.in_(bindparam("which", expanding=True))).order_by(CONTACTS.c.contact_id)
_LAPSED = select(CONTACTS.c.contact_id).where(
    CONTACTS.c.standing == Standing.RESERVED.value, CONTACTS.c.expires_us <= bindparam("at")
)
_LAPSED_OF = _LAPSED.join(IDENTITIES, CONTACTS.c.identity_id == IDENTITIES.c.identity_id).where(
    IDENTITIES.c.customer_id == bindparam("whose")
)
_SET = update(CONTACTS).where(CONTACTS.c.contact_id == bindparam("which")).values(standing=bindparam("now"))
_ADD = insert(CONTACT_CHANGES)
AT_ONCE = 500
"""Reservations that one sweep lets expire at most, so that nobody waits long for it."""


def confirm(transaction: Transaction, contact_id: ContactId, at: Instant) -> Held | None:
    """Confirm a reservation; it then holds its slot for good, unless it is released.

    Returns the contact as it stands then: CONFIRMED, or what speaks against it; None where there is none. To confirm
    what is confirmed changes nothing.
    """
    transaction.take_turn()
    found = find(transaction.connection, contact_id)
    if found is None or found.contact.standing is not Standing.RESERVED:
        return found
    standing = Standing.CONFIRMED if at < found.contact.expires_at else Standing.EXPIRED
    return change(transaction, [contact_id], standing, at, "confirmed" if at < found.contact.expires_at else "expired")[
        0
    ]


def release(transaction: Transaction, contact_id: ContactId, at: Instant, reason: str) -> Held | None:
    """Give a reserved or confirmed contact back, as nothing was or will be sent.

    Returns the contact as it stands then; None where there is none. What no longer holds a slot stays as it is.
    """
    transaction.take_turn()
    found = find(transaction.connection, contact_id)
    if found is None or found.contact.standing not in (Standing.RESERVED, Standing.CONFIRMED):
        return found
    return change(transaction, [contact_id], Standing.RELEASED, at, reason)[0]


def lapse(transaction: Transaction, customer_id: CustomerId, at: Instant) -> None:
    """Let a customer's reservations expire for good that have expired by then, so that no clock can revive them."""
    rows = transaction.connection.execute(_LAPSED_OF, {"at": at, "whose": customer_id})
    change(transaction, [ContactId(each) for each in rows.scalars()], Standing.EXPIRED, at, "expired")


def sweep(transaction: Transaction, at: Instant) -> int:
    """Let reservations of all customers expire that have expired by then; returns of how many, AT_ONCE at most."""
    transaction.take_turn()
    rows = transaction.connection.execute(_LAPSED.limit(AT_ONCE), {"at": at}).scalars()
    return len(change(transaction, [ContactId(each) for each in rows], Standing.EXPIRED, at, "expired"))


def any_lapsed(connection: Connection, at: Instant) -> bool:
    """True where a reservation has expired by then and does not say so yet."""
    return connection.execute(_LAPSED.limit(1), {"at": at}).first() is not None


def change(
    transaction: Transaction, contact_ids: Sequence[ContactId], standing: Standing, at: Instant, reason: str
) -> list[Held]:
    """Record where contacts stand from now on; returns them as they are then.

    What holds no slot any more stays as it is: a faster clock may have let it expire meanwhile.
    """
    if not contact_ids:
        return []
    connection = transaction.connection
    found = [held_in(row) for row in connection.execute(_WHICH, {"which": list(contact_ids)})]
    before = [each for each in found if each.contact.standing in COUNTING]
    if not before:
        return []
    position = transaction.next_position()
    after = [replace(each, contact=replace(each.contact, standing=standing)) for each in before]
    connection.execute(_SET, [{"which": each.contact.contact_id, "now": standing.value} for each in before])
    connection.execute(
        _ADD,
        [
            {
                "position": position,
                "contact_id": each.contact.contact_id,
                "was": each.contact.standing.value,
                "standing": standing.value,
                "moment_us": each.contact.moment,
                "at_us": at,
                "reason": reason,
            }
            for each in before
        ],
    )
    if standing not in COUNTING:
        give_back(connection, [each.contact.contact_id for each in before])
    book(connection, sorted({each.customer_id for each in after}), position)
    return after
