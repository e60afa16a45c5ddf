"""Removes what is older than it may be kept. Names and consents stay: they say who is who and what is allowed."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import delete, select

from features.domain import CustomerId, Instant
from serving.journal.audit import Cause, write_line
from serving.journal.forget import forget_contacts_before
from serving.journal.history import make_anew
from serving.journal.names import book
from serving.journal.schema import ANSWERS, CONTACTS, DECISIONS, EVENTS, HOLDS, IDENTITIES, SENDS
from serving.journal.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Retired:
    """What went."""

    events: int
    decisions: int
    touched: frozenset[CustomerId]
    """Customers whose values are to be made anew from what remains."""


def retire(transaction: Transaction, oldest: Instant, cause: Cause) -> Retired:
    """Delete events received, decisions made, contacts gone out and answers given before ``oldest``.

    Whether something is a duplicate is known of what remains only: an event from before may be taken in once more.
    """
    transaction.take_turn()
    connection = transaction.connection
    old = EVENTS.c.received_us < oldest
    owners = (
        select(IDENTITIES.c.customer_id)
        .distinct()
        .select_from(EVENTS.join(IDENTITIES, EVENTS.c.identity_id == IDENTITIES.c.identity_id))
        .where(old)
    )
    touched = frozenset(CustomerId(who) for who in connection.execute(owners).scalars())
    events = connection.execute(delete(EVENTS).where(old)).rowcount
    holders = (
        select(IDENTITIES.c.customer_id)
        .distinct()
        .select_from(CONTACTS.join(IDENTITIES, CONTACTS.c.identity_id == IDENTITIES.c.identity_id))
        .where(CONTACTS.c.moment_us < oldest)
    )
    spoken_to = [CustomerId(who) for who in connection.execute(holders).scalars()]
    forget_contacts_before(connection, oldest)
    if spoken_to:
        book(connection, spoken_to, transaction.next_position())
    decisions = connection.execute(delete(DECISIONS).where(DECISIONS.c.at_us < oldest)).rowcount
    answers = connection.execute(delete(ANSWERS).where(ANSWERS.c.at_us < oldest)).rowcount
    connection.execute(delete(SENDS).where(SENDS.c.at_us < oldest))
    connection.execute(delete(HOLDS).where(HOLDS.c.until_us < oldest))
    if touched:
        make_anew(transaction, touched)
    if events or decisions or answers:
        write_line(connection, cause, "retention", None, oldest=oldest, events=events, decisions=decisions)
    return Retired(events, decisions, touched)
