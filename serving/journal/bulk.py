"""History into the journal, many rows at a time: the same rows as by the live way in, and each once as well."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from sqlalchemy import Connection, insert, select

from features.domain import CustomerId, Event
from serving.identity.identity import Identity
from serving.identity.namespace import CUSTOMER
from serving.journal.audit import Cause
from serving.journal.names import write_heads
from serving.journal.schema import EVENTS, IDENTITIES, LINKS
from serving.journal.transaction import Transaction

AT_ONCE = 20_000
"""Rows of one transaction."""


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
    transaction.take_turn()
    connection = transaction.connection
    owners = _owners(transaction, [Identity(CUSTOMER, each) for each in {event.customer_id for event in events}], cause)
    known = _known(connection, events)
    rows: list[dict[str, object]] = []
    heads: dict[str, int] = {}
    for event in events:
        if (event.source, event.event_id) in known:
            continue
        known.add((event.source, event.event_id))
        identity_id, owner = owners[Identity(CUSTOMER, event.customer_id)]
        heads[owner] = transaction.next_position()
        rows.append(_row(event, heads[owner], identity_id, owner))
    if rows:
        connection.execute(insert(EVENTS), rows)
        write_heads(connection, [{"customer_id": c, "head": head, "relinked": 0} for c, head in sorted(heads.items())])
    return Loaded(len(rows), len(events) - len(rows), transaction.take_turn())


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


def _known(connection: Connection, events: Sequence[Event]) -> set[tuple[str, str]]:
    by_source: dict[str, list[str]] = {}
    for event in events:
        by_source.setdefault(event.source, []).append(event.event_id)
    return {
        (source, event_id)
        for source, ids in by_source.items()
        for event_id in connection.execute(
            select(EVENTS.c.event_id).where(EVENTS.c.source == source, EVENTS.c.event_id.in_(ids))
        ).scalars()
    }


def _row(event: Event, position: int, identity_id: int, owner: str) -> dict[str, object]:
    return {
        "position": position,
        "source": event.source,
        "event_id": event.event_id,
        "identity_id": identity_id,
        "customer_id": owner,
        "kind": event.kind.value,
        "channel": event.channel,
        "occurred_us": event.occurred_at,
        "received_us": event.received_at,
        "utc_offset_min": event.utc_offset_min,
        "offer_id": event.offer_id,
        "category": event.category,
        "value_minor": event.value_minor,
        "discount_minor": event.discount_minor,
        "quantity": event.quantity,
        "decision_id": event.decision_id,
        "machine": False,
        "extra": None,
    }
