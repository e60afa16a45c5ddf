"""The journal as tables: what happened, under whose name, and what was decided; for training to learn from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Connection, select

from features.domain import CustomerId, DecisionId, Instant
from serving.identity.namespace import CUSTOMER, KAIROS
from serving.journal.bulk import AT_ONCE, HISTORY, HistoryRow
from serving.journal.packed_record import answered
from serving.journal.past import IDENTIFIED
from serving.journal.schema import DECISIONS, EVENTS, IDENTITIES


@dataclass(frozen=True, slots=True)
class Decided:
    """One decision, of whoever the customer is now."""

    decision_id: DecisionId
    customer_id: CustomerId
    at: Instant
    answer: str
    """JSON."""


def export_events(connection: Connection) -> Iterator[list[HistoryRow]]:
    """Every event that counts, as rows in the order of HISTORY, of whoever has its name now; many rows at a time."""
    columns = [(IDENTITIES if name == "customer_id" else EVENTS).c[name] for name in HISTORY]
    rows = (
        select(*columns)
        .select_from(EVENTS.join(IDENTITIES, EVENTS.c.identity_id == IDENTITIES.c.identity_id))
        .where(EVENTS.c.kind != IDENTIFIED, EVENTS.c.machine.is_(False))
        .order_by(EVENTS.c.position)
    )
    for some in connection.execution_options(yield_per=AT_ONCE).execute(rows).partitions():
        yield [tuple(row) for row in some]


def export_names(connection: Connection) -> list[tuple[CustomerId, str, str]]:
    """Every name: whose it is now, namespace, value."""
    rows = select(IDENTITIES.c.customer_id, IDENTITIES.c.namespace, IDENTITIES.c.value)
    return [(CustomerId(row.customer_id), row.namespace, row.value) for row in connection.execute(rows)]


def numbers(names: list[tuple[CustomerId, str, str]]) -> dict[str, CustomerId]:
    """Who is meant now by whatever a customer was ever called."""
    return {value: owner for owner, namespace, value in names if namespace in (CUSTOMER, KAIROS)}


def export_decisions(connection: Connection, owners: dict[str, CustomerId]) -> Iterator[Decided]:
    """Every decision for a customer who is known by a name, oldest first."""
    columns = (DECISIONS.c.decision_id, DECISIONS.c.customer_id, DECISIONS.c.at_us, DECISIONS.c.answer)
    rows = select(*columns, DECISIONS.c.packed)
    for row in connection.execute(rows.order_by(DECISIONS.c.at_us, DECISIONS.c.decision_id)):
        if row.customer_id in owners:
            yield Decided(DecisionId(row.decision_id), owners[row.customer_id], Instant(row.at_us), answered(row))
