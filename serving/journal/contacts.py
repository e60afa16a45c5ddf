"""Contacts of customers in the journal, as a decision reads them."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Select, and_, bindparam, case, or_, select

from features.domain import DAY, CustomerId, Instant
from serving.journal.counters import taken
from serving.journal.schema import CONTACTS, CUSTOMERS, IDENTITIES
from serving.journal.written import Written
from serving.ledger.contact import Contact, ContactId, Ledger, Standing

MATTERS_DAYS = 62
"""How long before a decision a contact can matter where the caller does not say: two months."""

COUNTING = (Standing.RESERVED, Standing.CONFIRMED, Standing.SENT, Standing.OVERDRAWN)
_STANDINGS = {standing.value: standing for standing in Standing}
_FIELDS = (
    CONTACTS.c.contact_id,
    CONTACTS.c.channel,
    CONTACTS.c.moment_us,
    CONTACTS.c.offers,
    CONTACTS.c.categories,
    CONTACTS.c.purposes,
    CONTACTS.c.priority,
    CONTACTS.c.counts,
    CONTACTS.c.standing,
    CONTACTS.c.expires_us,
    CONTACTS.c.decision_id,
)
_JOINED = CONTACTS.join(IDENTITIES, CONTACTS.c.identity_id == IDENTITIES.c.identity_id)


@dataclass(frozen=True, slots=True)
class Held:
    """A contact with whose it is now, and whom it meant when it was granted."""

    contact: Contact
    customer_id: CustomerId
    zone: str
    policy: str


def read_ledger(
    connection: Connection,
    customer_id: CustomerId,
    at: Instant,
    keys: Collection[str] = (),
    since: Instant | None = None,
) -> Ledger:
    """The customer's contacts that count, the revision of all that a decision rests on, and what is used up.

    Args:
        keys: Of which shared stocks, capacities and budgets to tell.
        since: Contacts that went out before it are left out; None: two months before ``at``.
    """
    first = Instant(at - MATTERS_DAYS * DAY) if since is None else since
    rows = STORY.rows(connection, {"whose": customer_id, "since": first})
    return ledger_in(rows, taken(connection, keys))


def ledger_in(rows: Iterable[Sequence[Any]], used_up: Mapping[str, float]) -> Ledger:
    """The ledger in the rows of STORY, with what is used up of what is shared."""
    revision, contacts = 0, []
    for latest, *fields in rows:
        revision = latest
        if fields[0] is not None:
            contacts.append(contact_in(fields))
    contacts.sort(key=lambda each: (each.moment, each.contact_id))
    return Ledger(tuple(contacts), revision, used_up)


def revision(connection: Connection, customer_id: CustomerId) -> int:
    """Changes with every event, contact, consent and name of the customer; 0 of one of whom nothing is known."""
    return connection.execute(_REVISION, {"whose": customer_id}).scalar() or 0


def read_ledgers(
    connection: Connection, customer_ids: Collection[CustomerId], at: Instant, since: Instant | None = None
) -> dict[CustomerId, Ledger]:
    """The ledger of each of many customers, without what is used up; at most some thousands at once."""
    first = Instant(at - MATTERS_DAYS * DAY) if since is None else since
    asked = {"many": list(customer_ids)}
    revisions = {row.customer_id: row.revision for row in connection.execute(_REVISIONS, asked)}
    contacts: dict[str, list[Contact]] = {customer_id: [] for customer_id in customer_ids}
    for customer_id, *row in connection.execute(_COUNTING_OF_MANY, asked | {"since": first}):
        contacts[customer_id].append(contact_in(row))
    return {each: Ledger(tuple(contacts[each]), revisions.get(each, 0)) for each in customer_ids}


def find(connection: Connection, contact_id: ContactId) -> Held | None:
    """A contact by its id; None where there is none."""
    row = connection.execute(_ONE, {"which": contact_id}).first()
    return None if row is None else held_in(row)


def held_in(row: Iterable[Any]) -> Held:
    """The contact of a row of ``held``."""
    customer_id, zone, policy, *fields = row
    return Held(contact_in(fields), customer_id, zone, policy)


def contact_in(fields: Iterable[Any]) -> Contact:
    """The contact of a row."""
    contact_id, channel, moment, offers, categories, purposes, priority, counts, standing, expires, decision = fields
    return Contact(
        contact_id,
        channel,
        moment,
        _words(offers),
        _words(categories),
        _words(purposes),
        priority,
        bool(counts),
        _STANDINGS[standing],
        expires,
        decision,
    )


@lru_cache(maxsize=4_096)
def _words(text: str) -> tuple[Any, ...]:
    """The same few lists stand in most rows."""
    return tuple(json.loads(text))


def held() -> Select[Any]:
    """Contacts with whose they are now, to be narrowed."""
    return select(IDENTITIES.c.customer_id, CONTACTS.c.zone, CONTACTS.c.policy, *_FIELDS).select_from(_JOINED)


LATEST = case((CUSTOMERS.c.head > CUSTOMERS.c.booked, CUSTOMERS.c.head), else_=CUSTOMERS.c.booked)
"""The last position that concerns a customer, be it of an event, a name, a contact or a consent."""
COUNTS = or_(*(CONTACTS.c.standing == standing.value for standing in COUNTING))
"""What holds of a contact that uses up attention."""
# On the way of every decision, so made once, and without lists, which would have to be written out at every use.
STORY = Written(
    select(LATEST, *_FIELDS)
    .select_from(
        CUSTOMERS.outerjoin(IDENTITIES, IDENTITIES.c.customer_id == CUSTOMERS.c.customer_id).outerjoin(
            CONTACTS,
            and_(
                CONTACTS.c.identity_id == IDENTITIES.c.identity_id, CONTACTS.c.moment_us >= bindparam("since"), COUNTS
            ),
        )
    )
    .where(CUSTOMERS.c.customer_id == bindparam("whose"))
)
"""A customer's revision with each contact that counts, or with nothing for a name without any: one moment of both."""
_COUNTING_OF_MANY = (
    select(IDENTITIES.c.customer_id, *_FIELDS)
    .select_from(_JOINED)
    .where(
        IDENTITIES.c.customer_id.in_(bindparam("many", expanding=True)),
        CONTACTS.c.moment_us >= bindparam("since"),
        COUNTS,
    )
    .order_by(CONTACTS.c.moment_us, CONTACTS.c.contact_id)
)
_REVISION = select(LATEST).where(CUSTOMERS.c.customer_id == bindparam("whose"))
_REVISIONS = select(CUSTOMERS.c.customer_id, LATEST.label("revision")).where(
    CUSTOMERS.c.customer_id.in_(bindparam("many", expanding=True))
)
_ONE = held().where(CONTACTS.c.contact_id == bindparam("which"))
