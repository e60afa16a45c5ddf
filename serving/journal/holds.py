"""Incentives that a budget is charged with until it is known whether they are used: what is not is left again.

A budget is a promise, so a grant is charged as if its incentive were used. Once the time to use it is over, and what
happened in it has had time to be told, whatever was not used comes back. What is told later still is not charged again.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, and_, bindparam, exists, insert, or_, select, update

from features.domain import DAY, DecisionId, Instant
from serving.journal.contacts import COUNTING
from serving.journal.counters import take
from serving.journal.schema import CONTACTS, EVENTS, HOLDS, IDENTITIES
from serving.journal.transaction import Transaction
from serving.ledger.contact import ContactId, Standing
from serving.ledger.reservation import Take

TOLD_US = DAY
"""Time that an event has to be told in."""
AT_ONCE = 500
"""Holds that are settled in one go."""

_ADD = insert(HOLDS)
_CLOSE = update(HOLDS).where(HOLDS.c.hold_id == bindparam("which")).values(settled=bindparam("how"))
_CANCEL = (
    update(HOLDS)
    .where(HOLDS.c.decision_id == bindparam("whose"), HOLDS.c.contact_id.is_(None), HOLDS.c.settled.is_(None))
    .values(settled="put back")
)
_OWNER = IDENTITIES.alias("owner")
_NOW = IDENTITIES.alias("now")
_USED = exists().where(
    _OWNER.c.identity_id == HOLDS.c.identity_id,
    _NOW.c.customer_id == _OWNER.c.customer_id,
    EVENTS.c.identity_id == _NOW.c.identity_id,
    EVENTS.c.kind == HOLDS.c.kind,
    EVENTS.c.occurred_us >= HOLDS.c.since_us,
    EVENTS.c.occurred_us <= HOLDS.c.until_us,
    or_(
        EVENTS.c.offer_id == HOLDS.c.offer_id,
        and_(
            EVENTS.c.offer_id.is_(None),
            HOLDS.c.kind == "purchased",
            or_(HOLDS.c.category.is_(None), HOLDS.c.category == EVENTS.c.category),
        ),
    ),
)
_OPEN = (
    select(HOLDS, CONTACTS.c.standing, _USED.label("used"))
    .select_from(HOLDS.outerjoin(CONTACTS, HOLDS.c.contact_id == CONTACTS.c.contact_id))
    .where(
        HOLDS.c.settled.is_(None),
        HOLDS.c.until_us <= bindparam("last"),
        or_(CONTACTS.c.standing.is_(None), CONTACTS.c.standing != Standing.RESERVED.value),
    )
    .order_by(HOLDS.c.until_us)
)


def hold(connection: Connection, takes: Iterable[Take], identity_id: int, decision_id: DecisionId, at: Instant) -> None:
    """Remember which part of these may come back, whose they are, and who decided on them."""
    rows = [
        {
            "key": each.key,
            "amount": each.held.amount,
            "contact_id": each.contact_id,
            "decision_id": decision_id,
            "identity_id": identity_id,
            "offer_id": each.held.offer_id,
            "kind": each.held.kind.value,
            "category": each.held.category,
            "since_us": at,
            "until_us": each.held.until,
        }
        for each in takes
        if each.held is not None
    ]
    if rows:
        connection.execute(_ADD, rows)


def cancel_holds(connection: Connection, decision_id: DecisionId) -> None:
    """What this decision took without a contact was put back as a whole."""
    connection.execute(_CANCEL, {"whose": decision_id})


def any_to_settle(connection: Connection, at: Instant) -> bool:
    """True where it can be told of an incentive whether it was used."""
    return connection.execute(_OPEN.limit(1), {"last": at - TOLD_US}).first() is not None


def settle(transaction: Transaction, at: Instant) -> int:
    """Give back what was not used of incentives whose time is over; returns of how many, AT_ONCE at most."""
    transaction.take_turn()
    connection = transaction.connection
    found = connection.execute(_OPEN.limit(AT_ONCE), {"last": at - TOLD_US}).all()
    told = [(each, _came_of(each)) for each in found]
    take(connection, [Take(row.key, -row.amount, 0, _contact(row)) for row, how in told if how == "freed"])
    if told:
        connection.execute(_CLOSE, [{"which": row.hold_id, "how": how} for row, how in told])
    return len(told)


def _came_of(row: Any) -> str:
    if row.standing is not None and row.standing not in COUNTING:
        return "given back"  # with the contact
    return "used" if row.used else "freed"


def _contact(row: Any) -> ContactId | None:
    return None if row.contact_id is None else ContactId(row.contact_id)
