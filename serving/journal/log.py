"""Events in the journal: taken in once each, read back in their order."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, Row, Select, insert, select

from features.domain import Category, ChannelName, CustomerId, DecisionId, Event, EventId, Instant, Kind, OfferId
from serving.events.arrival import Arrival, Receipt, Status
from serving.journal.people import People, UnknownCustomerError
from serving.journal.schema import CUSTOMERS, EVENTS, IDENTITIES

IDENTIFIED = "identified"
"""What stands in place of a kind where nothing happened but a statement about who is who."""

_COLUMNS = [column for column in EVENTS.c if column.name not in ("customer_id", "extra")]
"""``customer_id`` is whom the event meant when it came; read back, it belongs to whoever has its name now."""


def take_in(people: People, arrivals: Sequence[Arrival]) -> list[Receipt]:
    """Journal what is new and say for each whether it was; what is refused leaves no trace.

    The order within one call is that in which positions are given.
    """
    names = people.names
    names.transaction.take_turn()
    known = _known(names.connection, arrivals)
    names.know(identity for arrival in arrivals for identity in arrival.identities)
    rows: list[dict[str, object]] = []
    receipts = [_receipt(people, arrival, known, rows) for arrival in arrivals]
    names.write()
    if rows:
        names.connection.execute(insert(EVENTS), rows)
    return receipts


def _known(connection: Connection, arrivals: Sequence[Arrival]) -> dict[tuple[str, str], int]:
    """Positions of the events among these that are in the journal."""
    found: dict[tuple[str, str], int] = {}
    for source, group in groupby(sorted(arrivals, key=lambda a: a.source), key=lambda a: a.source):
        ids = [arrival.event_id for arrival in group]
        rows = select(EVENTS.c.event_id, EVENTS.c.position).where(EVENTS.c.source == source, EVENTS.c.event_id.in_(ids))
        found.update({(source, row.event_id): row.position for row in connection.execute(rows)})
    return found


def _receipt(
    people: People, arrival: Arrival, known: dict[tuple[str, str], int], rows: list[dict[str, object]]
) -> Receipt:
    key = (arrival.source, str(arrival.event_id))
    if key in known:
        name = people.names.get(arrival.identities[0])
        customer_id = None if name is None else name.customer_id
        return Receipt(Status.DUPLICATE, *key, customer_id, known[key])
    try:
        settled = people.settle(arrival.identities)
    except UnknownCustomerError as error:
        return Receipt(Status.REFUSED, *key, code="unknown_customer", why=str(error))
    position = people.names.transaction.next_position()
    known[key] = position
    people.names.happened(settled.customer_id, position)
    rows.append(_row(arrival, position, settled.identity_id, settled.customer_id, people.names.cause.at))
    return Receipt(Status.ACCEPTED, *key, settled.customer_id, position, notes=settled.notes)


def _row(
    arrival: Arrival, position: int, identity_id: int, customer_id: CustomerId, received_at: Instant
) -> dict[str, object]:
    return {
        "position": position,
        "source": arrival.source,
        "event_id": arrival.event_id,
        "identity_id": identity_id,
        "customer_id": customer_id,
        "kind": IDENTIFIED if arrival.kind is None else arrival.kind.value,
        "channel": arrival.channel,
        "occurred_us": arrival.occurred_at,
        "received_us": received_at,
        "utc_offset_min": arrival.utc_offset_min,
        "offer_id": arrival.offer_id,
        "category": arrival.category,
        "value_minor": arrival.value_minor,
        "discount_minor": arrival.discount_minor,
        "quantity": arrival.quantity,
        "decision_id": arrival.decision_id,
        "machine": arrival.machine,
        "extra": json.dumps(arrival.extra, ensure_ascii=False) if arrival.extra else None,
    }


@dataclass(frozen=True, slots=True)
class Standing:
    """How far the journal has come with a customer."""

    customer_id: CustomerId
    head: int = 0
    """Last position that concerns the customer; 0 where none does."""
    relinked: int = 0
    """Last position at which the customer's names changed hands: a value before it is of someone else."""


def standing(connection: Connection, customer_id: CustomerId) -> Standing:
    """How far the journal has come with a customer."""
    row = connection.execute(select(CUSTOMERS).where(CUSTOMERS.c.customer_id == customer_id)).first()
    return Standing(customer_id) if row is None else Standing(customer_id, row.head, row.relinked)


def events_of(connection: Connection, customer_id: CustomerId, above: int = 0) -> list[Event]:
    """The customer's events above a position that count, in the order of the journal.

    Statements about who is who and what machines did are left out.
    """
    rows = _counting().where(IDENTITIES.c.customer_id == customer_id, EVENTS.c.position > above)
    return [_event(row, customer_id) for row in connection.execute(rows.order_by(EVENTS.c.position))]


def all_events(connection: Connection) -> Iterator[tuple[CustomerId, list[Event]]]:
    """Every customer's events that count, customer by customer, each in the order of the journal."""
    rows = _counting().add_columns(IDENTITIES.c.customer_id).order_by(IDENTITIES.c.customer_id, EVENTS.c.position)
    found = connection.execution_options(yield_per=10_000).execute(rows)
    for customer_id, group in groupby(found, key=lambda row: CustomerId(row.customer_id)):
        yield customer_id, [_event(row, customer_id) for row in group]


def _counting() -> Select[Any]:
    joined = EVENTS.join(IDENTITIES, EVENTS.c.identity_id == IDENTITIES.c.identity_id)
    return select(*_COLUMNS).select_from(joined).where(EVENTS.c.kind != IDENTIFIED, EVENTS.c.machine.is_(False))


def _event(row: Row[Any], customer_id: CustomerId) -> Event:
    return Event(
        source=row.source,
        event_id=EventId(row.event_id),
        customer_id=customer_id,
        kind=Kind(row.kind),
        channel=ChannelName(row.channel),
        occurred_at=Instant(row.occurred_us),
        received_at=Instant(row.received_us),
        utc_offset_min=row.utc_offset_min,
        offer_id=None if row.offer_id is None else OfferId(row.offer_id),
        category=None if row.category is None else Category(row.category),
        value_minor=row.value_minor,
        discount_minor=row.discount_minor,
        quantity=row.quantity,
        decision_id=None if row.decision_id is None else DecisionId(row.decision_id),
    )
