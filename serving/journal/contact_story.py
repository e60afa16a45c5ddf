"""What became of contacts, told as rows: for the customer whom they concern, and for whoever looks for overdrafts."""

from __future__ import annotations

from sqlalchemy import Connection, bindparam, select

from features.domain import CustomerId, Instant
from serving.journal.contacts import Held, held, held_in
from serving.journal.schema import CONTACT_CHANGES, CONTACTS, IDENTITIES
from serving.ledger.contact import ContactId, Standing

_JOINED = CONTACTS.join(IDENTITIES, CONTACTS.c.identity_id == IDENTITIES.c.identity_id)
_OF = select(CONTACTS).select_from(_JOINED).where(IDENTITIES.c.customer_id == bindparam("whose"))
_CHANGES = (
    select(CONTACT_CHANGES)
    .where(CONTACT_CHANGES.c.contact_id == bindparam("which"))
    .order_by(CONTACT_CHANGES.c.position)
)
_OVERDRAWN = (
    held()
    .add_columns(CONTACT_CHANGES.c.position)
    .join(CONTACT_CHANGES, CONTACT_CHANGES.c.contact_id == CONTACTS.c.contact_id)
    .where(CONTACT_CHANGES.c.standing == Standing.OVERDRAWN.value, CONTACT_CHANGES.c.position > bindparam("above"))
    .order_by(CONTACT_CHANGES.c.position, CONTACTS.c.contact_id)
)


def contacts_told(connection: Connection, customer_id: CustomerId) -> list[dict[str, object]]:
    """The customer's contacts with everything that changed of each, oldest first; instants in microseconds UTC."""
    rows = connection.execute(_OF.order_by(CONTACTS.c.moment_us, CONTACTS.c.contact_id), {"whose": customer_id})
    told = [dict(row._mapping) for row in rows]
    for each in told:
        changes = connection.execute(_CHANGES, {"which": each["contact_id"]})
        each["changes"] = [
            {"standing": row.standing, "moment_us": row.moment_us, "at_us": row.at_us, "reason": row.reason}
            for row in changes
        ]
    return told


def overdrawn(connection: Connection, above: int, most: int) -> list[tuple[int, Held]]:
    """Messages that went out without a valid reservation, with the position at which that was learnt."""
    rows = connection.execute(_OVERDRAWN.limit(most), {"above": above})
    return [(position, held_in(fields)) for *fields, position in rows]


_WENT_OUT = (Standing.CONFIRMED.value, Standing.SENT.value, Standing.OVERDRAWN.value)


def went_out(connection: Connection, since: Instant) -> set[ContactId]:
    """Messages granted since an instant that went out, or were confirmed and so are taken to have gone out."""
    rows = select(CONTACTS.c.contact_id).where(CONTACTS.c.granted_us >= since, CONTACTS.c.standing.in_(_WENT_OUT))
    return {ContactId(row.contact_id) for row in connection.execute(rows)}
