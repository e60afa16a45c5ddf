"""Events as the journal holds them, read back in their order, and how far it has come with each customer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from typing import Any

from sqlalchemy import BindParameter, Connection, Select, and_, bindparam, or_, select

from features.domain import CustomerId, Event, Instant, Kind
from features.quick import quick
from serving.journal.schema import CUSTOMERS, EVENTS, IDENTITIES
from serving.journal.written import Written

IDENTIFIED = "identified"
"""What stands in place of a kind where nothing happened but a statement about who is who."""

_COLUMNS = [column for column in EVENTS.c if column.name not in ("customer_id", "extra")]
"""``customer_id`` is whom the event meant when it came; read back, it belongs to whoever has its name now."""


KINDS = {kind.value: kind for kind in Kind}
"""By their names."""


@quick(frozen=True, slots=True)
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


def standing_of(connection: Connection, customer_id: CustomerId) -> Standing:
    """The same inside a transaction; 0 of a customer of whom nothing is known."""
    for row in STANDING.rows(connection, {"whose": customer_id}):
        return Standing(customer_id, *row)
    return Standing(customer_id)


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


@lru_cache(maxsize=64)  # those of the policy in force, and of some that were tried out
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
    return Event(source, event_id, customer_id, KINDS[kind], channel, occurred_us, received_us, *rest[:7])


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
