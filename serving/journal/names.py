"""The names of customers as one transaction sees and changes them. What is decided about them stands in ``people``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import groupby

from sqlalchemy import Connection, Insert, bindparam, case, exists, insert, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from features.domain import CustomerId
from serving.identity.identity import Identity
from serving.identity.namespace import KAIROS, rank_of
from serving.journal.audit import Cause
from serving.journal.schema import CUSTOMERS, IDENTITIES, LINKS, SEPARATIONS
from serving.journal.transaction import Transaction
from serving.journal.written import Written

# Once for all, as in ``log``: every event asks for names.
_NAMED = select(IDENTITIES.c.identity_id, IDENTITIES.c.value, IDENTITIES.c.customer_id).where(
    IDENTITIES.c.namespace == bindparam("kind"), IDENTITIES.c.value.in_(bindparam("told", expanding=True))
)


@dataclass(frozen=True, slots=True)
class Name:
    """An identity that is known here, and whose it is."""

    identity_id: int
    namespace: str
    customer_id: CustomerId

    @property
    def rank(self) -> tuple[float, int]:
        """Strongest first, then the one known longest."""
        return rank_of(self.namespace), self.identity_id


class Names:
    """Looks names up once per transaction, and keeps what is new until ``write``."""

    def __init__(self, transaction: Transaction, cause: Cause, keep_raw: bool = False) -> None:
        self.transaction = transaction
        self.cause = cause
        self._keep_raw = keep_raw
        self._by_identity: dict[Identity, Name | None] = {}
        self._of_customer: dict[CustomerId, dict[int, Name]] = {}
        self._identities: list[dict[str, object]] = []
        self._links: list[dict[str, object]] = []
        self._heads: dict[CustomerId, int] = {}
        self._relinked: dict[CustomerId, int] = {}

    @property
    def connection(self) -> Connection:
        """The transaction's connection."""
        return self.transaction.connection

    def know(self, identities: Iterable[Identity]) -> None:
        """Look up many names at once."""
        new = {each for each in identities if each not in self._by_identity}
        if not new:
            return
        wanted = sorted(new, key=lambda i: i.rank)
        for namespace, group in groupby(wanted, key=lambda i: i.namespace):
            by_value = {each.value: each for each in group}
            self._by_identity.update(dict.fromkeys(by_value.values()))
            for row in self.connection.execute(_NAMED, {"kind": namespace, "told": list(by_value)}):
                name = Name(row.identity_id, namespace, CustomerId(row.customer_id))
                self._by_identity[by_value[row.value]] = name

    def get(self, identity: Identity) -> Name | None:
        """The name, None where it is new; it must be among those that were looked up."""
        return self._by_identity[identity]

    def of(self, customer_id: CustomerId) -> dict[int, Name]:
        """All names of a customer by identity_id."""
        if customer_id not in self._of_customer:
            self._write_identities()
            rows = select(IDENTITIES.c.identity_id, IDENTITIES.c.namespace).where(
                IDENTITIES.c.customer_id == customer_id
            )
            self._of_customer[customer_id] = {
                row.identity_id: Name(row.identity_id, row.namespace, customer_id)
                for row in self.connection.execute(rows)
            }
        return self._of_customer[customer_id]

    def counts(self, customer_id: CustomerId) -> Counter[str]:
        """How many names of each namespace a customer has; those given by Kairos do not count."""
        return Counter(name.namespace for name in self.of(customer_id).values() if name.namespace != KAIROS)

    def apart(self, left: CustomerId, right: CustomerId) -> bool:
        """True where a person has set the two apart."""
        ours, theirs = list(self.of(left)), list(self.of(right))
        one, other = SEPARATIONS.c.identity_id, SEPARATIONS.c.other_id
        pair = or_(one.in_(ours) & other.in_(theirs), one.in_(theirs) & other.in_(ours))
        return bool(self.connection.execute(select(exists().where(pair))).scalar())

    def separate(self, left: Sequence[Name], right: Sequence[Name]) -> None:
        """Set two sides apart; the strongest name of each stands for it."""
        one, other = (min(side, key=lambda name: name.rank).identity_id for side in (left, right))
        row = {"position": self.transaction.next_position(), "identity_id": one, "other_id": other}
        self.connection.execute(insert(SEPARATIONS), row)

    def add(self, identity: Identity, customer_id: CustomerId) -> Name:
        """Keep a name that is new."""
        name = Name(self.transaction.next_position(), identity.namespace, customer_id)
        self.of(customer_id)[name.identity_id] = name
        self._by_identity[identity] = name
        self._identities.append(
            {
                "identity_id": name.identity_id,
                "namespace": identity.namespace,
                "value": identity.value,
                "customer_id": customer_id,
                "known_us": self.cause.at,
                "raw": identity.raw if self._keep_raw else None,
            }
        )
        self._link(name.identity_id, name, None)
        return name

    def move(self, names: Sequence[Name], to: CustomerId) -> None:
        """Record that names of one customer belong to another one from now on."""
        position, source = self.transaction.next_position(), names[0].customer_id
        moved = {name.identity_id: Name(name.identity_id, name.namespace, to) for name in names}
        for name in moved.values():
            self._link(position, name, source)
            self.of(source).pop(name.identity_id)
        self.of(to).update(moved)
        for identity, held in self._by_identity.items():
            if held is not None and held.identity_id in moved:
                self._by_identity[identity] = moved[held.identity_id]
        for customer_id in (source, to):
            self._heads[customer_id] = self._relinked[customer_id] = position
        self._write_identities()
        self.connection.execute(
            update(IDENTITIES)
            .where(IDENTITIES.c.identity_id == bindparam("which"))
            .values(customer_id=bindparam("to")),
            [{"which": identity_id, "to": to} for identity_id in moved],
        )

    def _link(self, position: int, name: Name, was: CustomerId | None) -> None:
        self._links.append(
            {
                "position": position,
                "identity_id": name.identity_id,
                "customer_id": name.customer_id,
                "was": was,
                "at_us": self.cause.at,
                "by": self.cause.by,
                "reason": self.cause.reason,
            }
        )

    def happened(self, customer_id: CustomerId, position: int) -> None:
        """Note that a position concerns a customer."""
        self._heads[customer_id] = position

    @property
    def touched(self) -> frozenset[CustomerId]:
        """Customers who are concerned by what has not been written yet."""
        return frozenset(self._heads)

    @property
    def relinked(self) -> frozenset[CustomerId]:
        """Customers with names that changed hands and have not been written yet."""
        return frozenset(self._relinked)

    def write(self) -> None:
        """Keep everything; the last call of a transaction on its names."""
        self._write_identities()
        if self._links:
            self.connection.execute(insert(LINKS), self._links)
            self._links = []
        if self._heads:
            rows = [
                {"customer_id": customer_id, "head": head, "relinked": self._relinked.get(customer_id, 0)}
                for customer_id, head in sorted(self._heads.items())
            ]
            write_heads(self.connection, rows)
            self._heads, self._relinked = {}, {}

    def _write_identities(self) -> None:
        if self._identities:
            self.connection.execute(insert(IDENTITIES), self._identities)
            self._identities = []


def write_heads(connection: Connection, rows: Sequence[dict[str, object]]) -> None:
    """Raise ``head`` and ``relinked`` of customers; neither ever falls."""
    connection.execute(_raise(connection.dialect.name), rows)


def book(connection: Connection, customer_ids: Iterable[CustomerId], position: int) -> None:
    """Note that contacts or consents of customers changed at a position."""
    rows = [
        {"customer_id": customer_id, "head": 0, "relinked": 0, "booked": position}
        for customer_id in sorted(set(customer_ids))
    ]
    if rows:
        _book(connection.dialect.name).run_all(connection, rows)


@cache
def _book(dialect: str) -> Written:
    statement = (postgresql if dialect == "postgresql" else sqlite).insert(CUSTOMERS)
    return Written(
        statement.on_conflict_do_update(
            index_elements=[CUSTOMERS.c.customer_id], set_={"booked": statement.excluded.booked}
        )
    )


@cache
def _raise(dialect: str) -> Insert:
    statement = (postgresql if dialect == "postgresql" else sqlite).insert(CUSTOMERS)
    new, old = statement.excluded, CUSTOMERS.c
    raised = {name: case((new[name] > old[name], new[name]), else_=old[name]) for name in ("head", "relinked")}
    upsert: Insert = statement.on_conflict_do_update(index_elements=[old.customer_id], set_=raised)
    return upsert
