"""The journal: what was learnt and decided, in SQL. An acknowledged write survives whatever happens to the process."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

from sqlalchemy import Connection, select

from features.domain import CustomerId, Event
from serving.events.arrival import Arrival, Receipt
from serving.identity.identity import Identity
from serving.journal.audit import Cause
from serving.journal.database import Synchronous, open_database, reader
from serving.journal.group import GroupCommit
from serving.journal.log import Standing, all_events, events_of, standing, take_in
from serving.journal.migration import migrate
from serving.journal.names import Names
from serving.journal.people import People
from serving.journal.schema import CUSTOMERS, HEAD, IDENTITIES
from serving.journal.transaction import Transaction

R = TypeVar("R")


def random_customer() -> CustomerId:
    """A name for a customer who came under none of the caller's numbers."""
    return CustomerId(f"k_{secrets.token_hex(16)}")


class Journal:
    """One open journal; may be shared between threads. Several processes may have the same one open."""

    def __init__(
        self,
        uri: str,
        synchronous: Synchronous = "FULL",
        keep_raw: bool = False,
        new_customer: Callable[[], CustomerId] = random_customer,
    ) -> None:
        """Open the journal and bring its schema up to date.

        Raises:
            JournalError: It is of another kind or of a newer build.
        """
        self._engine = open_database(uri, synchronous)
        self.version = migrate(self._engine)
        self._group = GroupCommit(self._engine)
        self._reader = reader(self._engine)
        self._keep_raw = keep_raw
        self._new_customer = new_customer

    def close(self) -> None:
        """Give every connection back."""
        self._engine.dispose()

    def write(self, change: Callable[[Transaction], R]) -> R:
        """Run a change in a transaction that writers share; when this returns, the change is durable."""
        return self._group.run(change)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection whose statements all see the same moment of the journal."""
        with self._reader.connect() as connection, connection.begin():
            yield connection

    def _people(self, transaction: Transaction, cause: Cause) -> People:
        return People(Names(transaction, cause, self._keep_raw), self._new_customer)

    def take_in(self, arrivals: Sequence[Arrival], cause: Cause) -> list[Receipt]:
        """Journal events, each once; one answer per event, in their order. ``cause.at`` is when they were learnt."""
        return self.write(lambda transaction: take_in(self._people(transaction, cause), arrivals))

    def split(self, customer_id: CustomerId, leaving: Sequence[Identity], cause: Cause) -> CustomerId:
        """Set names of a customer apart for good; returns whose they are from now on.

        Raises:
            UnknownCustomerError: One of the names is not the customer's, or none would stay.
        """

        def change(transaction: Transaction) -> CustomerId:
            transaction.take_turn()
            people = self._people(transaction, cause)
            result = people.split(customer_id, leaving)
            people.names.write()
            return result

        return self.write(change)

    def find(self, identity: Identity) -> CustomerId | None:
        """Whose name this is."""
        columns = IDENTITIES.c
        rows = select(columns.customer_id).where(
            columns.namespace == identity.namespace, columns.value == identity.value
        )
        with self.reading() as connection:
            found = connection.execute(rows).scalar()
        return None if found is None else CustomerId(found)

    def position(self) -> int:
        """The last position given out."""
        with self.reading() as connection:
            return int(connection.execute(select(HEAD.c.position)).scalar_one())

    def standing(self, customer_id: CustomerId) -> Standing:
        """How far the journal has come with a customer."""
        with self.reading() as connection:
            return standing(connection, customer_id)

    def since(self, customer_id: CustomerId, position: int) -> tuple[Standing, list[Event], bool]:
        """What a value that includes ``position`` lacks, all as of one moment.

        Returns:
            How far the journal has come, the events, and True where they are all of the customer's events, because
            names changed hands after the position: then the value is to be made anew from them.
        """
        with self.reading() as connection:
            found = standing(connection, customer_id)
            anew = found.relinked > position
            events = [] if found.head <= position else events_of(connection, customer_id, 0 if anew else position)
        return found, events, anew

    def standings(self, above: int = 0) -> list[Standing]:
        """Every customer whom a position above this one concerns, in the order of those positions."""
        rows = select(CUSTOMERS).where(CUSTOMERS.c.head > above).order_by(CUSTOMERS.c.head)
        with self.reading() as connection:
            return [Standing(CustomerId(r.customer_id), r.head, r.relinked) for r in connection.execute(rows)]

    def histories(self) -> Iterator[tuple[CustomerId, list[Event]]]:
        """Every customer's events, customer by customer, all as of one moment."""
        with self.reading() as connection:
            yield from all_events(connection)
