"""Which history a journal was filled with, and how much of it each customer has."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

from sqlalchemy import Connection, bindparam, delete, func, select

from features.domain import CustomerId, Instant
from serving.journal.audit import Cause, lines_of, write_line
from serving.journal.forget import forget_contacts
from serving.journal.names import write_heads
from serving.journal.past import IDENTIFIED
from serving.journal.past_contacts import past_id
from serving.journal.schema import CUSTOMERS, EVENTS, IDENTITIES
from serving.journal.transaction import Transaction

ACTION = "history"
MODULUS = 1_000_000_007
"""Sums of instants are taken of what is left after dividing by it, so that they stay small."""


@dataclass(frozen=True, slots=True)
class History:
    """A source's events up to an instant."""

    source: str
    fingerprint: str
    """Of the tables it came from."""
    until: Instant
    """The last instant at which anything of it was learnt."""


@dataclass(frozen=True, slots=True)
class Tally:
    """How many counting events a customer has; two histories of equal tallies are the same."""

    events: int
    instants: int
    """Sum of ``received_us`` modulo MODULUS."""


NONE = Tally(0, 0)


def note_history(connection: Connection, history: History, cause: Cause) -> None:
    """Remember that the journal holds this history."""
    write_line(connection, cause, ACTION, None, **asdict(history))


def history_of(connection: Connection) -> History | None:
    """The history loaded last, None where there was none."""
    found = lines_of(connection, ACTION)
    if not found:
        return None
    told = {name: value for name, value in found[-1].detail.items() if name != "reason"}
    return History(str(told["source"]), str(told["fingerprint"]), Instant(int(str(told["until"]))))


def tallies(connection: Connection) -> dict[CustomerId, tuple[int, Tally]]:
    """Last position and tally of every customer whom a position concerns."""
    counting = (
        select(
            IDENTITIES.c.customer_id,
            func.count().label("events"),
            func.sum(EVENTS.c.received_us % MODULUS).label("instants"),
        )
        .select_from(EVENTS.join(IDENTITIES, EVENTS.c.identity_id == IDENTITIES.c.identity_id))
        .where(EVENTS.c.kind != IDENTIFIED, EVENTS.c.machine.is_(False))
        .group_by(IDENTITIES.c.customer_id)
    )
    counted = {row.customer_id: Tally(row.events, int(row.instants)) for row in connection.execute(counting)}
    heads = connection.execute(select(CUSTOMERS.c.customer_id, CUSTOMERS.c.head).where(CUSTOMERS.c.head > 0))
    return {CustomerId(row.customer_id): (row.head, counted.get(row.customer_id, NONE)) for row in heads}


def withdraw(transaction: Transaction, events: Sequence[tuple[str, str]]) -> frozenset[CustomerId]:
    """Take events, each by source and id, out again; returns whose they were. Their values are to be made anew."""
    if not events:
        return frozenset()
    transaction.take_turn()
    which = (EVENTS.c.source == bindparam("of")) & (EVENTS.c.event_id == bindparam("which"))
    owners = (
        select(IDENTITIES.c.customer_id, EVENTS.c.position)
        .select_from(EVENTS.join(IDENTITIES, EVENTS.c.identity_id == IDENTITIES.c.identity_id))
        .where(which)
    )
    asked = [{"of": source, "which": event_id} for source, event_id in events]
    found = [row for each in asked for row in transaction.connection.execute(owners, each)]
    touched = {row.customer_id for row in found}
    forget_contacts(transaction.connection, [past_id(row.position) for row in found])
    transaction.connection.execute(delete(EVENTS).where(which), asked)
    make_anew(transaction, touched)
    return frozenset(CustomerId(who) for who in touched)


def make_anew(transaction: Transaction, customer_ids: Iterable[str]) -> None:
    """Let the stored values of these customers be made anew from what the journal holds."""
    position = transaction.next_position()
    rows = [{"customer_id": who, "head": position, "relinked": position} for who in sorted(customer_ids)]
    if rows:
        write_heads(transaction.connection, rows)
