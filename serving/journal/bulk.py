"""History into the journal, many rows at a time: the same rows as by the live way in, and each once as well."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from sqlalchemy import Connection, func, insert, select

from features.domain import CustomerId, Event
from serving.identity.identity import Identity
from serving.identity.namespace import CUSTOMER
from serving.journal.audit import Cause
from serving.journal.names import write_heads
from serving.journal.past_contacts import Reckoning, count_past
from serving.journal.schema import EVENTS, IDENTITIES, LINKS
from serving.journal.transaction import Transaction

AT_ONCE = 50_000
"""Rows of one transaction."""
CACHE_KIB = 65_536
"""Pages of SQLite to hold: history comes by the million, and its indexes are written all over."""

HISTORY = (
    "source",
    "event_id",
    "customer_id",
    "kind",
    "channel",
    "occurred_us",
    "received_us",
    "utc_offset_min",
    "offer_id",
    "category",
    "value_minor",
    "discount_minor",
    "quantity",
    "decision_id",
)
"""Columns of a row of history; ``customer_id`` is the caller's own number, ``*_us`` microseconds UTC."""
HistoryRow = tuple[Any, ...]
_CUSTOMER = HISTORY.index("customer_id")
_REST = tuple(name for name in HISTORY if name != "customer_id")


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a load did."""

    events: int
    duplicates: int
    position: int
    """The journal's last position after the load."""


def chunks(events: Iterable[Event], size: int = AT_ONCE) -> Iterator[list[Event]]:
    """Events in lists of at most ``size``."""
    rest = iter(events)
    while chunk := list(islice(rest, size)):
        yield chunk


def load_events(transaction: Transaction, events: Sequence[Event], cause: Cause) -> Loaded:
    """Journal events of customers named by the caller's own numbers; each keeps its own ``received_at``."""
    return load_rows(transaction, [_row(event) for event in events], cause)


def load_rows(
    transaction: Transaction, rows: Sequence[HistoryRow], cause: Cause, reckoning: Reckoning | None = None
) -> Loaded:
    """Journal events as rows in the order of HISTORY; those whose (source, id) is in the journal stay out.

    ``reckoning`` tells which of them are contacts; None: none is.
    """
    before = transaction.take_turn()
    connection = transaction.connection
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(f"PRAGMA cache_size=-{CACHE_KIB}")
    names = dict.fromkeys(row[_CUSTOMER] for row in rows)
    owners = _owners(transaction, [Identity(CUSTOMER, name) for name in names], cause)
    numbered = {name: owners[Identity(CUSTOMER, name)] for name in names}
    first = transaction.take_turn()
    filled = [
        (transaction.next_position(), *numbered[row[_CUSTOMER]], *row[:_CUSTOMER], *row[_CUSTOMER + 1 :], False)
        for row in rows
    ]
    if filled:
        _append(connection, filled)
    new = select(EVENTS.c.customer_id, func.count(), func.max(EVENTS.c.position)).where(EVENTS.c.position > first)
    heads = connection.execute(new.group_by(EVENTS.c.customer_id)).all()
    if heads:
        write_heads(connection, [{"customer_id": who, "head": head, "relinked": 0} for who, _, head in sorted(heads)])
    if reckoning is not None:
        count_past(transaction, first, reckoning, cause.at)
    taken = sum(count for _, count, _ in heads)
    return Loaded(taken, len(rows) - taken, max(before, transaction.take_turn()))


def _append(connection: Connection, rows: Sequence[HistoryRow]) -> None:
    """Plain SQL: building a statement from a mapping per row takes longer than storing the row."""
    columns = ", ".join(("position", "identity_id", "customer_id", *_REST, "machine"))
    if connection.dialect.name == "sqlite":
        marks = ", ".join("?" * len(rows[0]))
        connection.exec_driver_sql(f"INSERT INTO events ({columns}) VALUES ({marks}) ON CONFLICT DO NOTHING", [*rows])
        return
    connection.exec_driver_sql(f"CREATE TEMP TABLE arriving ON COMMIT DROP AS SELECT {columns} FROM events LIMIT 0")
    cursor: Any = connection.connection.cursor()
    with cursor.copy(f"COPY arriving ({columns}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)
    connection.exec_driver_sql(
        f"INSERT INTO events ({columns}) SELECT {columns} FROM arriving ORDER BY position ON CONFLICT DO NOTHING"
    )
    connection.exec_driver_sql("DROP TABLE arriving")


def load_identities(transaction: Transaction, names: Sequence[tuple[CustomerId, Identity]], cause: Cause) -> int:
    """Journal further names of customers; a name that is known stays whose it is. Returns how many were new."""
    transaction.take_turn()
    customers = _owners(transaction, [Identity(CUSTOMER, customer_id) for customer_id, _ in names], cause)
    held = _held(transaction.connection, [name for _, name in names])
    fresh = {name: customers[Identity(CUSTOMER, customer_id)][1] for customer_id, name in names if name not in held}
    _add(transaction, fresh, cause)
    return len(fresh)


def _owners(transaction: Transaction, names: Sequence[Identity], cause: Cause) -> dict[Identity, tuple[int, str]]:
    """Identity number and customer of each name; those that are new are their own customers."""
    found = _held(transaction.connection, names)
    fresh = {name: name.value for name in names if name not in found}
    return found | _add(transaction, fresh, cause)


def _held(connection: Connection, names: Sequence[Identity]) -> dict[Identity, tuple[int, str]]:
    found: dict[Identity, tuple[int, str]] = {}
    by_namespace: dict[str, list[str]] = {}
    for name in set(names):
        by_namespace.setdefault(name.namespace, []).append(name.value)
    for namespace, wanted in by_namespace.items():
        rows = select(IDENTITIES.c.identity_id, IDENTITIES.c.value, IDENTITIES.c.customer_id).where(
            IDENTITIES.c.namespace == namespace, IDENTITIES.c.value.in_(wanted)
        )
        for row in connection.execute(rows):
            found[Identity(namespace, row.value)] = row.identity_id, row.customer_id
    return found


def _add(transaction: Transaction, fresh: dict[Identity, str], cause: Cause) -> dict[Identity, tuple[int, str]]:
    if not fresh:
        return {}
    numbers = {name: transaction.next_position() for name in fresh}
    transaction.connection.execute(
        insert(IDENTITIES),
        [
            {
                "identity_id": numbers[name],
                "namespace": name.namespace,
                "value": name.value,
                "customer_id": owner,
                "known_us": cause.at,
                "raw": None,
            }
            for name, owner in fresh.items()
        ],
    )
    transaction.connection.execute(
        insert(LINKS),
        [
            {
                "position": numbers[name],
                "identity_id": numbers[name],
                "customer_id": owner,
                "was": None,
                "at_us": cause.at,
                "by": cause.by,
                "reason": cause.reason,
            }
            for name, owner in fresh.items()
        ],
    )
    return {name: (numbers[name], owner) for name, owner in fresh.items()}


def _row(event: Event) -> HistoryRow:
    return (
        event.source,
        event.event_id,
        event.customer_id,
        event.kind.value,
        event.channel,
        event.occurred_at,
        event.received_at,
        event.utc_offset_min,
        event.offer_id,
        event.category,
        event.value_minor,
        event.discount_minor,
        event.quantity,
        event.decision_id,
    )
