"""Contacts are granted: the customer's ledger is as the decision saw it, and of everything shared there is enough."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, and_, bindparam, func, insert, or_, select

from features.domain import HOUR, CustomerId, DecisionId, Instant
from serving.identity.identity import Identity
from serving.identity.namespace import CUSTOMER, KAIROS
from serving.journal.audit import Cause
from serving.journal.contacts import LATEST
from serving.journal.counters import lacking, take
from serving.journal.holds import hold
from serving.journal.names import Names, book
from serving.journal.schema import CONTACTS, CUSTOMERS, FOLLOW_UPS, IDENTITIES
from serving.journal.standings import change, lapse, sweep
from serving.journal.transaction import Transaction
from serving.journal.written import Written
from serving.ledger.contact import Contact, ContactId, Standing
from serving.ledger.reservation import Exhausted, Reserved, Stale, Take

_OWN = IDENTITIES.alias("own")
_LAPSED = (
    select(func.count())
    .select_from(CONTACTS.join(_OWN, CONTACTS.c.identity_id == _OWN.c.identity_id))
    .where(
        _OWN.c.customer_id == bindparam("whose"),
        CONTACTS.c.standing == Standing.RESERVED.value,
        CONTACTS.c.expires_us <= bindparam("at"),
    )
    .scalar_subquery()
)
_STANDING = Written(
    select(IDENTITIES.c.identity_id, IDENTITIES.c.customer_id, LATEST, _LAPSED)
    .select_from(IDENTITIES.outerjoin(CUSTOMERS, CUSTOMERS.c.customer_id == bindparam("whose")))
    .where(
        or_(
            and_(IDENTITIES.c.namespace == CUSTOMER, IDENTITIES.c.value == bindparam("whose")),
            and_(IDENTITIES.c.namespace == KAIROS, IDENTITIES.c.value == bindparam("whose")),
        )
    )
    .order_by(IDENTITIES.c.identity_id)
)
_GRANT = Written(insert(CONTACTS))
_FOLLOW = insert(FOLLOW_UPS)  # rare, and not every column of it is given


@dataclass(frozen=True, slots=True)
class _Found:
    """The name that a customer is called by, which contacts belong to."""

    identity_id: int
    owner: CustomerId
    revision: int
    lapsed: int
    """Reservations that have expired and do not say so yet."""


def reserve(
    transaction: Transaction,
    customer_id: CustomerId,
    revision: int,
    contacts: Sequence[Contact],
    takes: Sequence[Take],
    at: Instant,
    *,
    displaced: Sequence[ContactId] = (),
    policy: str = "",
    zone: str = "UTC",
    decision_id: DecisionId | None = None,
) -> Reserved | Stale | Exhausted:
    """Grant contacts and what they take, all or nothing, at one moment of the customer's ledger.

    Args:
        revision: What ``Ledger.revision`` was when the decision was made; that the caps allow the contacts was seen
            then, so nothing may have changed since.
        contacts: None where nothing outbound is offered; the takes are then all that is asked for.
        displaced: Reservations of this customer that give way, see ``room``.
        policy: Fingerprint of the policy document under which they are granted.
        zone: The customer's IANA zone by which they were counted.
        decision_id: Who asks. Without it, incentives stay charged even where they are not used.
    """
    transaction.take_turn()
    connection = transaction.connection
    found = _standing(connection, customer_id, at)
    if found is not None and found.owner != customer_id:
        return Stale(found.owner)
    if (0 if found is None else found.revision) != revision:
        return Stale(customer_id)
    if takes and lacking(connection, takes):
        sweep(transaction, at)
        if keys := lacking(connection, takes):
            return Exhausted(keys)
    if found is not None and found.lapsed:
        lapse(transaction, customer_id, at)
    if displaced:
        change(transaction, displaced, Standing.DISPLACED, at, "a message of higher priority took its place")
    take(connection, takes)
    if not contacts:
        if found is not None and decision_id is not None:
            hold(connection, takes, found.identity_id, decision_id, at)
        return Reserved(transaction.take_turn() if displaced or (found is not None and found.lapsed) else revision)
    identity_id = found.identity_id if found is not None else introduce(transaction, customer_id, at)
    position = transaction.next_position()
    whose = {"identity_id": identity_id, "customer_id": customer_id, "zone": zone, "policy": policy}
    _GRANT.run_all(connection, (row(contact, position, at) | whose for contact in contacts))
    if follow_ups := [due for contact in contacts for due in _follow_ups(contact)]:
        connection.execute(_FOLLOW, follow_ups)
    if decision_id is not None:
        hold(connection, takes, identity_id, decision_id, at)
    book(connection, [customer_id], position)
    return Reserved(position)


def row(contact: Contact, position: int, at: Instant) -> dict[str, object]:
    """The columns of a contact that do not tell whose it is."""
    return {
        "contact_id": contact.contact_id,
        "position": position,
        "decision_id": contact.decision_id,
        "channel": contact.channel,
        "moment_us": contact.moment,
        "granted_us": at,
        "expires_us": contact.expires_at,
        "offers": json.dumps(contact.offers),
        "categories": json.dumps(contact.categories),
        "purposes": json.dumps(contact.purposes),
        "priority": contact.priority,
        "counts": contact.counts,
        "standing": contact.standing.value,
    }


def _follow_ups(contact: Contact) -> list[dict[str, object]]:
    return [
        {
            "contact_id": contact.contact_id,
            "place": place,
            "offer_id": offer_id,
            "channel": follow_up.channel,
            "unless": json.dumps(follow_up.unless),
            "due_us": contact.moment + round(follow_up.after_hours * HOUR),
        }
        for place, (offer_id, follow_up) in enumerate(contact.follow_ups)
    ]


def _standing(connection: Connection, customer_id: CustomerId, at: Instant) -> _Found | None:
    rows = _STANDING.rows(connection, {"whose": customer_id, "at": at})
    if not rows:
        return None
    identity_id, owner, revision, lapsed = rows[0]
    return _Found(identity_id, CustomerId(owner), revision or 0, lapsed)


def introduce(transaction: Transaction, customer_id: CustomerId, at: Instant) -> int:
    """The name of a customer of whom nothing is known yet."""
    names, own = Names(transaction, Cause(at, "ledger", "first contact")), Identity(CUSTOMER, customer_id)
    names.know([own])
    identity_id = names.add(own, customer_id).identity_id
    names.write()
    return identity_id
