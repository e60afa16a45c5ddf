"""Events in the journal: taken in once each, read back in their order."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import groupby
from typing import Any

from sqlalchemy import BindParameter, Connection, Select, and_, bindparam, insert, or_, select

from features.domain import CustomerId, Event, Instant, Kind
from serving.events.arrival import Arrival, Receipt, Status
from serving.journal.people import People, UnknownCustomerError
from serving.journal.schema import CUSTOMERS, EVENTS, IDENTITIES
from serving.journal.sent import Sent, note_all
from serving.journal.written import Written

IDENTIFIED = "identified"
"""What stands in place of a kind where nothing happened but a statement about who is who."""

_COLUMNS = [column for column in EVENTS.c if column.name not in ("customer_id", "extra")]
"""``customer_id`` is whom the event meant when it came; read back, it belongs to whoever has its name now."""


_KINDS = {kind.value: kind for kind in Kind}


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


@dataclass(frozen=True, slots=True)
class Standing:
    """How far the journal has come with a customer."""

    customer_id: CustomerId
    head: int = 0
    """Last position that concerns the customer; 0 where none does."""
    relinked: int = 0
    """Last position at which the customer's names changed hands: a value before it is of someone else."""
    booked: int = 0
    """Last position at which contacts or consents changed."""

    @property
    def revision(self) -> int:
        """Changes with every event, contact, consent and name of the customer; 0 of one of whom nothing is known."""
        return max(self.head, self.booked)


@dataclass(frozen=True, slots=True)
class Gap:
    """What a stored value lacks."""

    standing: Standing
    anew: bool
    """True where the value is to be made anew from these events: names changed hands after its position."""
    events: tuple[Event, ...]


@dataclass(frozen=True, slots=True)
class News:
    """What one write added to one customer's events."""

    before: int
    """Last position that concerned the customer before the write."""
    gap: Gap
    """What a value lacks that includes everything up to ``before``."""


STANDING = Written(
    select(CUSTOMERS.c.head, CUSTOMERS.c.relinked, CUSTOMERS.c.booked).where(
        CUSTOMERS.c.customer_id == bindparam("whose")
    )
)
"""How far the journal has come with one customer."""


def gaps(connection: Connection, positions: Mapping[CustomerId, int]) -> list[Gap]:
    """What values lack that include everything up to these positions; customers who lack nothing are left out."""
    rows = connection.execute(select(CUSTOMERS).where(CUSTOMERS.c.customer_id.in_(list(positions))))
    found = [Standing(CustomerId(row.customer_id), row.head, row.relinked) for row in rows]
    behind = [each for each in found if each.head > positions[each.customer_id]]
    anew = {each.customer_id for each in behind if each.relinked > positions[each.customer_id]}
    above = {each.customer_id: 0 if each.customer_id in anew else positions[each.customer_id] for each in behind}
    events = _events_above(connection, above)
    return [Gap(s, s.customer_id in anew, tuple(events.get(s.customer_id, ()))) for s in behind]


def _events_above(connection: Connection, above: Mapping[CustomerId, int]) -> dict[CustomerId, list[Event]]:
    """Each customer's events above a position of their own, in the order of the journal."""
    found = {}
    for customer_id, position in above.items():
        # One statement per customer, always the same one: compiling one for all took longer than running these.
        rows = connection.execute(_ABOVE, {"whose": customer_id, "above": position})
        found[customer_id] = [event_of(row, customer_id) for row in rows]
    return found


@cache
def recent(within: tuple[tuple[Kind, int], ...]) -> Written:
    """A statement for a customer's latest events of these kinds that count, newest first.

    Its parameters are ``whose``, ``most``, and for each span in ``within`` (microseconds) the instant ``since_<span>``
    from which events of its kinds are wanted, see ``spans``.
    """
    wanted = or_(
        *(
            and_(or_(*(EVENTS.c.kind == kind for kind in kinds)), EVENTS.c.occurred_us >= bindparam(f"since_{span}"))
            for span, kinds in spans(dict(within)).items()
        )
    )
    # Of a long history this finds the few that are wanted in the index; what holds of each kind is then asked of those.
    asked = enumerate(kind for kind, _ in within)
    kinds: list[BindParameter[str]] = [bindparam(f"any_{number}", kind.value) for number, kind in asked]
    near = EVENTS.c.kind.in_(kinds), EVENTS.c.occurred_us >= bindparam(f"since_{max(span for _, span in within)}")
    rows = _counting().where(IDENTITIES.c.customer_id == bindparam("whose"), *near, wanted)
    return Written(rows.order_by(EVENTS.c.position.desc()).limit(bindparam("most")))


def recent_events(
    connection: Connection, customer_id: CustomerId, at: Instant, within: Mapping[Kind, int], most: int
) -> list[Event]:
    """The customer's latest events of these kinds that count, each kind as far back as it says (microseconds)."""
    since = {f"since_{span}": at - span for span in spans(within)}
    rows = recent(tuple(within.items())).rows(connection, {"whose": customer_id, "most": most, **since})
    return [event_of(row, customer_id) for row in rows]


def spans(within: Mapping[Kind, int]) -> dict[int, list[Kind]]:
    """The kinds by how far back they are wanted, microseconds, the shortest first."""
    return {span: [kind for kind in within if within[kind] == span] for span in sorted(set(within.values()))}


def event_of(row: Sequence[Any], customer_id: CustomerId) -> Event:
    """The event in a row that begins with _COLUMNS. By place: a customer who has begun something has dozens of them."""
    _, source, event_id, _, kind, channel, occurred_us, received_us, *rest = row
    return Event(source, event_id, customer_id, _KINDS[kind], channel, occurred_us, received_us, *rest[:7])


def histories(connection: Connection) -> Iterator[tuple[Standing, list[Event]]]:
    """Every customer the journal ever knew with the events that count, each in the order of the journal.

    Customers without events come too, last: their names may belong to others now.
    """
    without = {each.customer_id: each for each in standings(connection)}
    rows = _counting().add_columns(IDENTITIES.c.customer_id).order_by(IDENTITIES.c.customer_id, EVENTS.c.position)
    found = connection.execution_options(yield_per=10_000).execute(rows)
    for customer_id, group in groupby(found, key=lambda row: CustomerId(row.customer_id)):
        yield without.pop(customer_id), [event_of(row, customer_id) for row in group]
    for standing in without.values():
        yield standing, []


def standings(connection: Connection, above: int = 0) -> list[Standing]:
    """Every customer whom a position above this one concerns, in the order of those positions."""
    rows = connection.execute(select(CUSTOMERS).where(CUSTOMERS.c.head > above).order_by(CUSTOMERS.c.head))
    return [Standing(CustomerId(row.customer_id), row.head, row.relinked) for row in rows]


def _counting() -> Select[Any]:
    joined = EVENTS.join(IDENTITIES, EVENTS.c.identity_id == IDENTITIES.c.identity_id)
    return select(*_COLUMNS).select_from(joined).where(EVENTS.c.kind != IDENTIFIED, EVENTS.c.machine.is_(False))


_ABOVE = (
    _counting()
    .where(IDENTITIES.c.customer_id == bindparam("whose"), EVENTS.c.position > bindparam("above"))
    .order_by(EVENTS.c.position)
)
