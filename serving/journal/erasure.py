"""Erases a customer from the journal. What remains is a name made of chance, how much went, and when."""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from hashlib import sha256

from sqlalchemy import Connection, Engine, delete, insert, or_, select, text, update

from features.domain import CustomerId, DecisionId
from serving.identity.identity import Identity
from serving.journal.audit import Cause, write_line
from serving.journal.forget import forget_contacts_of
from serving.journal.people import UnknownCustomerError
from serving.journal.schema import (
    ANSWERS,
    AUDIT,
    CONSENTS,
    CONTACTS,
    CUSTOMERS,
    DECISIONS,
    ERASURES,
    EVENTS,
    HOLDS,
    IDENTITIES,
    LINKS,
    SENDS,
    SEPARATIONS,
    TOMBSTONES,
)
from serving.journal.transaction import Transaction, wait_for_others


@dataclass(frozen=True, slots=True)
class Erased:
    """What went."""

    tombstone: str
    customer_ids: frozenset[CustomerId]
    """What the customer was ever called: values stored under these have to go too."""
    events: int
    decisions: int


@dataclass(frozen=True, slots=True)
class Known:
    """Under what a customer may stand elsewhere, such as in batch files."""

    customer_ids: frozenset[CustomerId]
    """What the customer was ever called, without what another customer is called now."""
    names: frozenset[Identity]


def known(connection: Connection, customer_id: CustomerId) -> Known:
    """Under what a customer may stand elsewhere; for before the erasure, which forgets it."""
    rows = select(IDENTITIES).where(IDENTITIES.c.customer_id == customer_id)
    held = {row.identity_id: Identity(row.namespace, row.value) for row in connection.execute(rows)}
    return Known(frozenset(_called(connection, customer_id, list(held))), frozenset(held.values()))


def erase(transaction: Transaction, customer_id: CustomerId, cause: Cause) -> Erased:
    """Delete a customer's names, events, decisions, contacts, consents and answers, and every mention elsewhere.

    ``cause.reason`` is kept: it must not name the customer. To be run by itself: it waits for all who keep decisions.

    Raises:
        UnknownCustomerError: The journal holds nothing of such a customer.
    """
    connection = transaction.connection
    wait_for_others(connection)
    connection.execute(update(ERASURES).values(erased=ERASURES.c.erased + 1))
    transaction.take_turn()
    rows = select(IDENTITIES.c.identity_id).where(IDENTITIES.c.customer_id == customer_id)
    identities = connection.execute(rows).scalars().all()
    gone = _called(connection, customer_id, identities)
    made = select(DECISIONS.c.decision_id).where(DECISIONS.c.customer_id.in_(gone))
    decisions = connection.execute(made).scalars().all()
    if not identities and not decisions:
        raise UnknownCustomerError(f"the journal holds nothing of a customer {customer_id!r}")
    forget_contacts_of(connection, identities)
    events = connection.execute(delete(EVENTS).where(EVENTS.c.identity_id.in_(identities))).rowcount
    connection.execute(delete(IDENTITIES).where(IDENTITIES.c.identity_id.in_(identities)))
    connection.execute(delete(LINKS).where(LINKS.c.identity_id.in_(identities)))
    pair = or_(SEPARATIONS.c.identity_id.in_(identities), SEPARATIONS.c.other_id.in_(identities))
    connection.execute(delete(SEPARATIONS).where(pair))
    for held in (SENDS, HOLDS):
        connection.execute(delete(held).where(held.c.identity_id.in_(identities)))
    for table in (DECISIONS, CONSENTS, CUSTOMERS):
        connection.execute(delete(table).where(table.c.customer_id.in_(gone)))
    tombstone = f"t_{secrets.token_hex(16)}"
    _forget_mentions(transaction, gone, tombstone)
    _bury(transaction, tombstone, decisions, events, cause)
    return Erased(tombstone, frozenset(gone), events, len(decisions))


def _called(connection: Connection, customer_id: CustomerId, identities: Sequence[int]) -> list[CustomerId]:
    """All that the customer was ever called, without what another customer is called now."""
    rows = select(LINKS.c.customer_id, LINKS.c.was).where(LINKS.c.identity_id.in_(identities))
    found = {name for row in connection.execute(rows) for name in row if name is not None}
    held = select(IDENTITIES.c.customer_id).where(
        IDENTITIES.c.customer_id.in_(found), IDENTITIES.c.identity_id.not_in(identities)
    )
    others = set(connection.execute(held).scalars())
    return sorted(CustomerId(name) for name in {customer_id, *found} - others)


def _forget_mentions(transaction: Transaction, gone: Sequence[CustomerId], tombstone: str) -> None:
    """What is kept of others may name the erased: as the one they once were, or were joined with."""
    connection = transaction.connection
    for table, column in ((EVENTS, "customer_id"), (CONTACTS, "customer_id"), (LINKS, "customer_id"), (LINKS, "was")):
        connection.execute(update(table).where(table.c[column].in_(gone)).values({column: tombstone}))
    said = or_(
        AUDIT.c.customer_id.in_(gone), *(AUDIT.c.detail.contains(json.dumps(name), autoescape=True) for name in gone)
    )
    connection.execute(update(AUDIT).where(said).values(customer_id=tombstone, detail='{"reason": "erased"}'))
    told = or_(*(ANSWERS.c.customers.contains(json.dumps(name), autoescape=True) for name in gone))
    connection.execute(delete(ANSWERS).where(told))


def _bury(transaction: Transaction, tombstone: str, decisions: Sequence[str], events: int, cause: Cause) -> None:
    counts = json.dumps({"events": events, "decisions": len(decisions)})
    rows = [{"tombstone": tombstone, "noun": "customer", "erased_us": cause.at, "by": cause.by, "counts": counts}]
    rows += [
        {
            "tombstone": digest(DecisionId(each)),
            "noun": "decision",
            "erased_us": cause.at,
            "by": cause.by,
            "counts": "{}",
        }
        for each in decisions
    ]
    transaction.connection.execute(insert(TOMBSTONES), rows)
    write_line(transaction.connection, cause, "erased", CustomerId(tombstone), events=events, decisions=len(decisions))


def digest(decision_id: DecisionId) -> str:
    """What is remembered of an erased decision: enough to answer that it is gone, too little to tell whose it was."""
    return sha256(decision_id.encode()).hexdigest()


def is_erased(connection: Connection, decision_id: DecisionId) -> bool:
    """True for a decision that was there and was erased."""
    rows = select(TOMBSTONES.c.tombstone).where(TOMBSTONES.c.tombstone == digest(decision_id))
    return connection.execute(rows).first() is not None


def compact(engine: Engine) -> None:
    """Give the room of deleted rows back, so that their bytes are in no file any more."""
    if engine.dialect.name == "sqlite":
        with closing(engine.raw_connection()) as connection:  # outside any transaction, where alone this is allowed
            connection.execute("VACUUM")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM FULL"))
