"""Events are taken into the journal, once each."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select

from features.domain import CustomerId, Event, Instant, Kind
from serving.events.arrival import Arrival, Receipt, Status
from serving.journal.past import IDENTIFIED, Gap, News, Standing
from serving.journal.people import People, UnknownCustomerError
from serving.journal.schema import CUSTOMERS, EVENTS
from serving.journal.sent import Sent, note_all


@dataclass(frozen=True, slots=True)
class TakenIn:
    """What came of a batch."""

    receipts: tuple[Receipt, ...]
    """One per event, in their order."""
    touched: frozenset[CustomerId]
    """Customers whose stored values lack something now; those of duplicates too, whose writer may have died."""
    news: tuple[News, ...] = ()
    """What was added to customers whose names stayed theirs, so that it need not be read back."""


def take_in(people: People, arrivals: Sequence[Arrival]) -> TakenIn:
    """Journal what is new and say for each whether it was; what is refused leaves no trace.

    The order within one call is that in which positions are given.
    """
    names = people.names
    names.transaction.take_turn()
    known = _known(names.connection, arrivals)
    names.know(identity for arrival in arrivals for identity in arrival.identities)
    rows: list[dict[str, Any]] = []
    receipts = tuple(_receipt(people, arrival, known, rows) for arrival in arrivals)
    touched = names.touched | {CustomerId(each.customer_id) for each in receipts if each.customer_id is not None}
    news = _news(people, [(a, r) for a, r in zip(arrivals, receipts, strict=True) if r.status is Status.ACCEPTED])
    names.write()
    if rows:
        names.connection.execute(_ADD, rows)
    spoken = [(a.spoken, a) for a, r in zip(arrivals, receipts, strict=True) if r.status is Status.ACCEPTED]
    sent = [Sent(a, s, *_place(row)) for (s, a), row in zip(spoken, rows, strict=True) if s is not None]
    return TakenIn(_remarked(receipts, note_all(names.transaction, sent, names.cause.at)), touched, news)


def _place(row: dict[str, Any]) -> tuple[int, int, CustomerId]:
    return row["position"], row["identity_id"], CustomerId(row["customer_id"])


def _remarked(receipts: tuple[Receipt, ...], notes: Mapping[int, str]) -> tuple[Receipt, ...]:
    if not notes:
        return receipts
    told = [notes.get(each.position or 0) for each in receipts]
    return tuple(
        each if note is None else replace(each, notes=(*each.notes, note))
        for each, note in zip(receipts, told, strict=True)
    )


def _news(people: People, taken: Sequence[tuple[Arrival, Receipt]]) -> tuple[News, ...]:
    """To be called before the heads are written. Whoever's names changed hands has to be read back."""
    names = people.names
    told: dict[CustomerId, list[tuple[Arrival, Receipt]]] = {}
    for arrival, receipt in taken:
        if receipt.customer_id is not None and receipt.customer_id not in names.relinked:
            told.setdefault(CustomerId(receipt.customer_id), []).append((arrival, receipt))
    before = heads(names.connection, told)
    return tuple(
        News(
            before.get(customer_id, 0),
            Gap(
                Standing(customer_id, max(receipt.position or 0 for _, receipt in some)),
                anew=False,
                events=tuple(
                    _happened(arrival, arrival.kind, customer_id, names.cause.at)
                    for arrival, _ in some
                    if arrival.kind is not None and not arrival.machine
                ),
            ),
        )
        for customer_id, some in told.items()
    )


def heads(connection: Connection, customer_ids: Iterable[CustomerId]) -> dict[CustomerId, int]:
    """The last position that concerns each of these customers; those whom none does are left out."""
    rows = connection.execute(_HEADS, {"whose": list(customer_ids)})
    return {CustomerId(row.customer_id): row.head for row in rows}


def _happened(arrival: Arrival, kind: Kind, customer_id: CustomerId, received_at: Instant) -> Event:
    """The event as it will be read back."""
    return Event(
        source=arrival.source,
        event_id=arrival.event_id,
        customer_id=customer_id,
        kind=kind,
        channel=arrival.channel,
        occurred_at=arrival.occurred_at,
        received_at=received_at,
        utc_offset_min=arrival.utc_offset_min,
        offer_id=arrival.offer_id,
        category=arrival.category,
        value_minor=arrival.value_minor,
        discount_minor=arrival.discount_minor,
        quantity=arrival.quantity,
        decision_id=arrival.decision_id,
    )


def _known(connection: Connection, arrivals: Sequence[Arrival]) -> dict[tuple[str, str], int]:
    """Positions of the events among these that are in the journal."""
    found: dict[tuple[str, str], int] = {}
    for source, group in groupby(sorted(arrivals, key=lambda a: a.source), key=lambda a: a.source):
        ids = [arrival.event_id for arrival in group]
        rows = connection.execute(_KNOWN, {"whence": source, "told": ids})
        found.update({(source, row.event_id): row.position for row in rows})
    return found


# Statements on the way of every event stand here once: SQLAlchemy then knows them again without looking into them.
_KNOWN = select(EVENTS.c.event_id, EVENTS.c.position).where(
    EVENTS.c.source == bindparam("whence"), EVENTS.c.event_id.in_(bindparam("told", expanding=True))
)
_ADD = insert(EVENTS)
_HEADS = select(CUSTOMERS.c.customer_id, CUSTOMERS.c.head).where(
    CUSTOMERS.c.customer_id.in_(bindparam("whose", expanding=True))
)


def _receipt(
    people: People, arrival: Arrival, known: dict[tuple[str, str], int], rows: list[dict[str, Any]]
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
