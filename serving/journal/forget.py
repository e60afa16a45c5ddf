"""Takes contacts out of the journal, of the erased and of those older than may be kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Select, delete, select, update

from features.domain import Instant
from serving.journal.contacts import COUNTING
from serving.journal.counters import give_back
from serving.journal.schema import CONTACT_CHANGES, CONTACTS, FOLLOW_UPS, HOLDS, TAKES
from serving.ledger.contact import ContactId, Standing

AT_ONCE = 500
"""Contacts of one statement, as a database limits how many values one may have."""


def forget_contacts_of(connection: Connection, identities: Sequence[int]) -> int:
    """Delete the contacts of these names; returns how many. What they have used up of shared stocks stays used up."""
    return _forget(connection, select(CONTACTS.c.contact_id).where(CONTACTS.c.identity_id.in_(identities)))


def forget_contacts_before(connection: Connection, oldest: Instant) -> int:
    """Delete the contacts that went out, or were to, before an instant; returns how many."""
    return _forget(connection, select(CONTACTS.c.contact_id).where(CONTACTS.c.moment_us < oldest))


def _forget(connection: Connection, which: Select[Any]) -> int:
    found = [ContactId(each) for each in connection.execute(which).scalars()]
    forget_contacts(connection, found)
    return len(found)


def forget_contacts(connection: Connection, contact_ids: Sequence[ContactId]) -> None:
    """Delete these contacts, as far as they are there."""
    for first in range(0, len(contact_ids), AT_ONCE):
        _forget_some(connection, contact_ids[first : first + AT_ONCE])


def _forget_some(connection: Connection, contact_ids: Sequence[ContactId]) -> None:
    rows = connection.execute(
        select(CONTACTS.c.contact_id, CONTACTS.c.standing).where(CONTACTS.c.contact_id.in_(contact_ids))
    ).all()
    give_back(connection, [row.contact_id for row in rows if row.standing == Standing.RESERVED])
    used = [row.contact_id for row in rows if row.standing in COUNTING and row.standing != Standing.RESERVED]
    connection.execute(update(TAKES).where(TAKES.c.contact_id.in_(used)).values(contact_id=None))
    for table in (TAKES, HOLDS, FOLLOW_UPS, CONTACT_CHANGES, CONTACTS):
        connection.execute(delete(table).where(table.c.contact_id.in_(contact_ids)))
