"""The journal: what was learnt and decided, in SQL. An acknowledged write survives whatever happens to the process."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from threading import Lock, local
from typing import Any, TypeVar

from sqlalchemy import Connection, bindparam, select
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, InterfaceError, InternalError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from features.domain import DAY, CustomerId, DecisionId, Event, Instant, Kind
from serving.consent import Consent, Topic
from serving.events.arrival import Arrival
from serving.identity.identity import Identity
from serving.journal.audit import Cause, write_line
from serving.journal.consents import STATED, in_force
from serving.journal.contacts import MATTERS_DAYS, STORY, ledger_in
from serving.journal.counters import counted_of, numbered
from serving.journal.database import Database
from serving.journal.decisions import read_decision, write_decision
from serving.journal.documents import Version, version_of
from serving.journal.dossier import BY_NAME, BY_NUMBER, Dossier, dossier, nobody_yet
from serving.journal.engine import Synchronous
from serving.journal.erasure import Erased, erase, is_erased
from serving.journal.errors import JournalUnavailableError
from serving.journal.group import Coming, nobody
from serving.journal.log import TakenIn, take_in
from serving.journal.names import Names
from serving.journal.past import STANDING, Gap, Standing, event_of, gaps, histories, recent, standings
from serving.journal.people import People
from serving.journal.record import Record
from serving.journal.schema import CUSTOMERS, HEAD, IDENTITIES
from serving.journal.testimony import REMEDY, Testimony
from serving.journal.transaction import Transaction, name_and_position
from serving.journal.written import Written
from serving.later import Later
from serving.ledger.contact import Ledger
from serving.witness import Seen, Witness

R = TypeVar("R")

UNUSABLE = (OperationalError, InterfaceError, InternalError, IntegrityError, DataError, PoolTimeoutError, OSError)
"""What the database says where it cannot do what it is asked; a wrong statement of ours is not among it."""


_FIND = Written(
    select(IDENTITIES.c.customer_id, CUSTOMERS.c.head, CUSTOMERS.c.relinked, CUSTOMERS.c.booked)
    .select_from(IDENTITIES.outerjoin(CUSTOMERS, CUSTOMERS.c.customer_id == IDENTITIES.c.customer_id))
    .where(IDENTITIES.c.namespace == bindparam("kind"), IDENTITIES.c.value == bindparam("told"))
)


def random_customer() -> CustomerId:
    """A name for a customer who came under none of the caller's numbers."""
    return CustomerId(f"k_{secrets.token_hex(16)}")


class _Sure(local):
    """What one thread need not look at again for a while."""

    database: Database | None = None


class Journal:
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
        self._uri = uri
        self._synchronous = synchronous
        self._keep_raw = keep_raw
        self._new_customer = new_customer
        self._testimony = Testimony(make_url(uri).render_as_string(hide_password=True), witness)
        self._database: Database | None = None
        self._opening = Lock()
        self._sure = _Sure()
        self._coming: Coming = nobody

    def expect(self, coming: Coming) -> None:
        """Let writers wait a moment for those that are on their way."""
        self._coming = coming

    def open(self) -> None:
        """Get ready, where that is possible: the first write then takes no longer than any other."""
        with suppress(JournalUnavailableError):
            self._ready()

    def _ready(self) -> Database:
        """The open database.

        Raises:
            JournalError: Its address names another kind of database.
            JournalUnavailableError: It cannot be reached, is of an older layout or a newer build, or is gone.
        """
        sure = self._sure.database
        if sure is not None and sure is self._database:
            return sure
        replaced = None
        with self._opening:
            if self._database is not None and self._database.stale:
                if self._database.gone:  # an empty one would know of no objection, no consent and no contact
                    raise JournalUnavailableError(f"the journal {self._testimony.where} is gone: {REMEDY}")
                replaced, self._database = self._database, None
            if self._database is None:
                self._database = self._opened()
            found = self._database
        if replaced is not None:
            replaced.close()
        return found

    def _opened(self) -> Database:
        """The database, once it is known to be the one that was used before, as far as it had come."""
        seen = self._testimony.heard(self.begun)
        with self._reported():
            database = Database(self._uri, self._synchronous, lambda since: self._coming(since))
        try:
            with self._reported():
                found = database.seen()
            self._testimony.check(seen, found)
        except BaseException:
            database.close()
            raise
        self._testimony.tell(found)
        return database

    def name(self) -> str:
        """What was drawn for it when it was begun."""
        with self.reading() as connection:
            return name_and_position(connection).name

    def testify(self) -> None:
        """Let the witness know how far the journal has come; to be called now and then."""
        with self.reading() as connection:
            self._testimony.tell(name_and_position(connection))

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

    @property
    def begun(self) -> bool:
        """False where its file is still to be made; a server's counts as begun."""
        url = make_url(self._uri)
        return url.get_backend_name() != "sqlite" or Path(url.database or "").is_file()

    def version(self) -> str:
        """The version of the schema, which this build's migrations have reached."""
        return self._ready().version

    def close(self) -> None:
        """Give every connection back; the next use opens the journal again."""
        if self._database is not None:
            with suppress(JournalUnavailableError):
                self.testify()
        with self._opening:
            database, self._database = self._database, None
        if database is not None:  # not before the lock is free: what is still being written may ask for the journal
            database.close()

    @contextmanager
    def _reported(self) -> Iterator[None]:
        try:
            yield
        except UNUSABLE as error:
            raise self._unavailable(error) from error

    def _explained(self, error: BaseException) -> BaseException:
        if not isinstance(error, UNUSABLE):
            return error
        told = self._unavailable(error)
        told.__cause__ = error
        return told

    def _unavailable(self, error: Exception) -> JournalUnavailableError:
        reason = str(error.orig if isinstance(error, DBAPIError) else error).splitlines()[0]
        return JournalUnavailableError(
            f"the journal {self._testimony.where} cannot be used ({reason}): look at its server or disk"
        )

    def write(self, change: Callable[[Transaction], R]) -> R:
        """Run a change in a transaction that writers share; when this returns, the change is durable."""
        soon = self.write_soon(change)
        if self._database is not None:
            self._database.group.settle()
        return soon.result()

    @contextmanager
    def together(self) -> Iterator[None]:
        """What this thread writes soon is written at the end, in one transaction, with what others wait for.

        What it waits for it must write by ``write``.
        """
        database = None
        with suppress(JournalUnavailableError):
            database = self._ready()
        with nullcontext() if database is None else database.group.together():
            self._sure.database = database  # whether it was moved away is looked at again before it is written to
            try:
                yield
            finally:
                self._sure.database = None

    def hurry(self) -> None:
        """Do not wait any more for the end of what threads write together: one of them is held up."""
        if self._database is not None:
            self._database.group.hurry()

    def write_soon(self, change: Callable[[Transaction], R]) -> Later[R]:
        """As ``write``, without waiting for it: the result comes when the change is durable.

        What is called then must not wait for another write. Where the journal cannot be opened, this fails at once.
        """
        return self._ready().group.submit(change, self._explained)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection whose statements all see the same moment of the journal."""
        reader = self._ready().reader
        with self._reported(), reader.connect() as connection, connection.begin():
            yield connection

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

    def erase(self, customer_id: CustomerId, cause: Cause) -> Erased:
        """Erase a customer, then the bytes. Stored values and batch files are the caller's to clear.

        Raises:
            UnknownCustomerError: The journal holds nothing of such a customer.
        """
        erased = self.write(lambda transaction: erase(transaction, customer_id, cause))
        self.compact()
        return erased

    def compact(self) -> None:
        """Give the room of deleted rows back, so that their bytes are in no file any more."""
        database = self._ready()
        with self._reported():
            database.compact()

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
        return dossier(self._look(BY_NAME, kind=identity.namespace, told=identity.value, since=since))

    def dossier(self, customer_id: CustomerId, since: Instant) -> Dossier:
        """What is held of a customer, with contacts since an instant. What changes afterwards shows in the revision."""
        return dossier(self._look(BY_NUMBER, whose=customer_id, since=since)) or nobody_yet(customer_id)

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
        return dict(self._look(counted_of(len(keys)), **numbered(keys))) if keys else {}

    def recent_events(self, customer_id: CustomerId, at: Instant, within: Mapping[Kind, int], most: int) -> list[Event]:
        """The customer's latest events of these kinds that count, each kind as far back as it says (microseconds)."""
        since = {f"since_{span}": at - span for span in set(within.values())}
        rows = self._look(recent(tuple(within.items())), whose=customer_id, most=most, **since)
        return [event_of(row, customer_id) for row in rows]

    def _look(self, statement: Written, **given: object) -> list[tuple[Any, ...]]:
        return self.look(statement, given)

    def look(self, statement: Written, given: Mapping[str, object]) -> list[tuple[Any, ...]]:
        """What one statement finds, as of a moment of its own."""
        lookup = self._ready().lookup
        try:
            return lookup.rows(statement, given)
        except UNUSABLE as error:
            raise self._unavailable(error) from error

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
