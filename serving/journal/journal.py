"""The journal: what was learnt and decided, in SQL. An acknowledged write survives whatever happens to the process."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from sqlalchemy import bindparam, select

from features.domain import DAY, CustomerId, DecisionId, Event, Instant, Kind
from serving.consent import Consent, Topic
from serving.events.arrival import Arrival
from serving.identity.identity import Identity
from serving.journal.audit import Cause, write_line
from serving.journal.consents import STATED, in_force
from serving.journal.contacts import MATTERS_DAYS, STORY, ledger_in
from serving.journal.counters import counted_of
from serving.journal.counters import numbered as counted_keys
from serving.journal.decisions import read_decision, write_decision
from serving.journal.documents import Version, version_of
from serving.journal.dossier import BY_NAME, BY_NUMBER, Dossier, by_names, dossier, dossiers, nobody_yet
from serving.journal.engine import Synchronous
from serving.journal.erasure import Erased, erase, is_erased
from serving.journal.log import TakenIn, take_in
from serving.journal.names import Names
from serving.journal.past import STANDING, Gap, Standing, event_of, gaps, histories, recent, standings
from serving.journal.people import People
from serving.journal.record import Record
from serving.journal.schema import CUSTOMERS, HEAD, IDENTITIES
from serving.journal.transaction import ERASED, Transaction, name_and_position
from serving.journal.way import Way
from serving.journal.written import Written
from serving.ledger.contact import Ledger
from serving.several import numbered
from serving.witness import Seen, Witness

R = TypeVar("R")

_FIND = Written(
    select(IDENTITIES.c.customer_id, CUSTOMERS.c.head, CUSTOMERS.c.relinked, CUSTOMERS.c.booked)
    .select_from(IDENTITIES.outerjoin(CUSTOMERS, CUSTOMERS.c.customer_id == IDENTITIES.c.customer_id))
    .where(IDENTITIES.c.namespace == bindparam("kind"), IDENTITIES.c.value == bindparam("told"))
)


def random_customer() -> CustomerId:
    """A name for a customer who came under none of the caller's numbers."""
    return CustomerId(f"k_{secrets.token_hex(16)}")


class Journal(Way):
    """One journal, opened and brought up to date at its first use; may be shared between threads.

    Several processes may have the same one open. Every method raises JournalUnavailableError where the database cannot
    be reached; the next call tries again.
    """

    def __init__(
        self,
        uri: str,
        synchronous: Synchronous = "FULL",
        keep_raw: bool = False,
        new_customer: Callable[[], CustomerId] = random_customer,
        witness: Witness | None = None,
    ) -> None:
        super().__init__(uri, synchronous, witness)
        self._keep_raw = keep_raw
        self._new_customer = new_customer

    def adopt(self, position: int, cause: Cause) -> Seen:
        """Go on with what is there, be it empty, whatever was seen before; what it lacks stays unknown.

        No position up to the given one is given out again. To be called on a journal without a witness.
        """

        def change(transaction: Transaction) -> Seen:
            before = transaction.take_turn()
            transaction.skip(position)
            write_line(transaction.connection, cause, "adopted", None, ended_at=before, used=position)
            return Seen(name_and_position(transaction.connection).name, max(before, position))

        return self.write(change)

    def change_people(self, cause: Cause, change: Callable[[People], R]) -> R:
        """Run a change of who is who, after everyone whose turn was before."""

        def run(transaction: Transaction) -> R:
            transaction.take_turn()
            people = People(Names(transaction, cause, self._keep_raw), self._new_customer)
            result = change(people)
            people.names.write()
            return result

        return self.write(run)

    def take_in(self, arrivals: Sequence[Arrival], cause: Cause) -> TakenIn:
        """Journal events, each once; ``cause.at`` is when they were learnt."""
        return self.change_people(cause, lambda people: take_in(people, arrivals))

    def split(self, customer_id: CustomerId, leaving: Sequence[Identity], cause: Cause) -> CustomerId:
        """Set names of a customer apart for good; returns whose they are from now on.

        Raises:
            UnknownCustomerError: One of the names is not the customer's, or none would stay.
        """
        return self.change_people(cause, lambda people: people.split(customer_id, leaving))

    def record(self, decision: Record) -> None:
        """Keep a decision."""
        self.write(lambda transaction: write_decision(transaction.connection, decision))

    def decision(self, decision_id: DecisionId) -> Record | None:
        """A kept decision, None for an unknown id."""
        with self.reading() as connection:
            return read_decision(connection, decision_id)

    def document(self, fingerprint: str) -> Version | None:
        """The document of this fingerprint, be it policy, offers or catalogue; None where it was never in force."""
        with self.reading() as connection:
            return version_of(connection, fingerprint)

    def erased(self, decision_id: DecisionId) -> bool:
        """True for a decision that was kept and was erased with its customer."""
        with self.reading() as connection:
            return is_erased(connection, decision_id)

    def erase(
        self, customer_id: CustomerId, cause: Cause, drop: Callable[[frozenset[CustomerId]], None] = lambda _: None
    ) -> Erased:
        """Erase a customer, then the bytes. Stored values and batch files are the caller's to clear.

        ``drop`` is called at the last moment before, with all that the customer was ever called. Where it fails nobody
        is erased, so that the call can be repeated.

        Raises:
            UnknownCustomerError: The journal holds nothing of such a customer.
        """

        def change(transaction: Transaction) -> Erased:
            found = erase(transaction, customer_id, cause)
            drop(found.customer_ids)
            return found

        erased = self.write(change, erases=True)
        self.compact()
        return erased

    def count_erasures(self) -> int:
        """How many customers were erased so far, whoever did it."""
        ((found,),) = self._look(ERASED)
        return int(found)

    def find(self, identity: Identity) -> Standing | None:
        """Whose name this is, and how far the journal has come with that customer."""
        for row in self._look(_FIND, kind=identity.namespace, told=identity.value):
            return Standing(CustomerId(row[0]), row[1] or 0, row[2] or 0, row[3] or 0)
        return None

    def standing(self, customer_id: CustomerId) -> Standing:
        """How far the journal has come with a customer. To be read first: what changes afterwards shows in it."""
        for row in self._look(STANDING, whose=customer_id):
            return Standing(customer_id, *row)
        return Standing(customer_id)

    def known_as(self, identity: Identity, since: Instant) -> Dossier | None:
        """What is held of whoever has this name, with contacts since an instant; None where it is nobody's."""
        erasures = self.erasures  # before it is read
        return dossier(self._look(BY_NAME, kind=identity.namespace, told=identity.value, since=since), erasures)

    def known_by(self, namespace: str, names: Sequence[str], since: Instant) -> dict[str, Dossier]:
        """The same of each of these names, at least one, all as of one moment; names that are nobody's are left out."""
        erasures, told = self.erasures, numbered("told", names)
        return dossiers(self.look(by_names(len(told)), {"kind": namespace, "since": since, **told}), erasures)

    def dossier(self, customer_id: CustomerId, since: Instant) -> Dossier:
        """What is held of a customer, with contacts since an instant. What changes afterwards shows in the revision."""
        erasures = self.erasures
        found = dossier(self._look(BY_NUMBER, whose=customer_id, since=since), erasures)
        return found or nobody_yet(customer_id, erasures)

    def consents(self, customer_id: CustomerId) -> dict[Topic, Consent]:
        """The statement that holds for each purpose and channel on which the customer made one."""
        return in_force(self._look(STATED, whose=customer_id))

    def ledger(
        self, customer_id: CustomerId, at: Instant, keys: Collection[str] = (), since: Instant | None = None
    ) -> Ledger:
        """See ``read_ledger``. To be read first: what changes afterwards shows in the revision."""
        first = at - MATTERS_DAYS * DAY if since is None else since
        return ledger_in(self._look(STORY, whose=customer_id, since=first), self.taken(keys))

    def taken(self, keys: Collection[str]) -> dict[str, float]:
        """What is used up of what is shared, by key; keys of which nothing was ever taken are left out."""
        return dict(self._look(counted_of(len(keys)), **counted_keys(keys))) if keys else {}

    def recent_events(self, customer_id: CustomerId, at: Instant, within: Mapping[Kind, int], most: int) -> list[Event]:
        """The customer's latest events of these kinds that count, each kind as far back as it says (microseconds)."""
        since = {f"since_{span}": at - span for span in set(within.values())}
        rows = self._look(recent(tuple(within.items())), whose=customer_id, most=most, **since)
        return [event_of(row, customer_id) for row in rows]

    def _look(self, statement: Written, **given: object) -> list[tuple[Any, ...]]:
        return self.look(statement, given)

    def position(self) -> int:
        """The last position given out."""
        with self.reading() as connection:
            return int(connection.execute(select(HEAD.c.position)).scalar_one())

    def gaps(self, positions: Mapping[CustomerId, int]) -> list[Gap]:
        """What stored values lack that include everything up to these positions, all as of one moment."""
        if len(positions) == 1:
            ((customer_id, position),) = positions.items()
            if all(row[0] <= position for row in self._look(STANDING, whose=customer_id)):
                return []
        with self.reading() as connection:
            return gaps(connection, positions)

    def standings(self, above: int = 0) -> list[Standing]:
        """Every customer whom a position above this one concerns, in the order of those positions."""
        with self.reading() as connection:
            return standings(connection, above)

    def histories(self) -> Iterator[tuple[Standing, list[Event]]]:
        """Every customer with the events that count, all as of one moment; those without events come last."""
        with self.reading() as connection:
            yield from histories(connection)
