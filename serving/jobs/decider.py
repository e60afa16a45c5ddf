"""Decides for a job as the service does for one customer: same rules, same ledger, same record."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from features.clock import Clock
from features.domain import CustomerId, DecisionId
from serving import api
from serving.asking import ask_of
from serving.clerk import Clerk
from serving.equipment import Equipment
from serving.facts import CUSTOMER_NAMES, Facts
from serving.identity.identity import identity
from serving.identity.namespace import CUSTOMER, IdentityError
from serving.jobs.folder import JobError
from serving.jobs.means import Means
from serving.jobs.order import Format, Order, decision_id
from serving.jobs.results import write_csv, write_ndjson
from serving.jobs.scarcity import Worth, worth_of
from serving.jobs.tables import customers, write
from serving.journal import Journal, JournalUnavailableError
from serving.journal.counters import taken
from serving.journal.decisions import read_answers
from serving.journal.errors import ErasedMeanwhileError
from serving.journal.transaction import erasures_in
from serving.predicate import Predicate, compile
from serving.reception import Reception


@dataclass(frozen=True)
class Decider:
    """The means of one job, in a process of its own."""

    order: Order
    journal: Journal
    clerk: Clerk
    reception: Reception
    follow_ups: Callable[[], Iterator[DecisionId]]
    """Has the reminders decided that are due."""
    everybody: Callable[[], list[CustomerId]]
    clock: Clock
    equipment: Equipment
    condition: Predicate | None = field(init=False)

    def __post_init__(self) -> None:
        where = self.order.audience.where
        object.__setattr__(self, "condition", None if where is None else compile(where, CUSTOMER_NAMES))

    def means(self, files: Path) -> Means:
        """What the job works with."""
        return Means(
            equipment=self.equipment,
            files=files,
            table=customers,
            everybody=self.everybody,
            whose=self.whose,
            wanted=self.wanted,
            taken=self.taken,
            rehearse=self.rehearse,
            erasures=self.erasures,
            decide=self.decide,
            follow=self.follow_ups,
            answers=self.answers,
            write={Format.PARQUET: write, Format.CSV: write_csv, Format.NDJSON: write_ndjson},
        )

    def whose(self, customer_id: CustomerId) -> CustomerId | None:
        """Who a customer is called now; None for a name that cannot be one."""
        try:
            name = identity(CUSTOMER, customer_id)
        except IdentityError:
            return None
        found = self.journal.find(name)
        return CustomerId(name.value) if found is None else found.customer_id

    def wanted(self, customer_id: CustomerId) -> bool:
        """True where the audience's condition holds for a customer, as of now; always where there is none.

        Raises:
            JobError: Nothing can be told of the customer, so nobody would be chosen.
        """
        if self.condition is None:
            return True
        known, lacking = self.clerk.desk.known(customer_id, self.clock.now())
        if lacking:
            raise JobError(f"the condition cannot be asked: {lacking[0].sentence}")
        return bool(self.condition.holds(Facts(known, (), self.equipment.evidence).read))

    def taken(self, keys: Collection[str]) -> Mapping[str, float]:
        """What is used up of these."""
        with self.journal.reading() as connection:
            return taken(connection, keys)

    def rehearse(self, customer_id: CustomerId, equipment: Equipment) -> Sequence[Worth]:
        """What may be offered to a customer, with its score; nothing is reserved or recorded."""
        ask = ask_of(self._request(customer_id), customer_id, self.clock.now(), decision_id(self.order, customer_id))
        decision = self.clerk.desk.decide(ask, equipment).decision
        return worth_of(decision)

    def erasures(self) -> int:
        """How many customers were erased so far."""
        with self.journal.reading() as connection:
            return erasures_in(connection)

    def decide(self, customer_id: CustomerId, made: DecisionId, equipment: Equipment, erasures: int) -> None:
        """Decide, reserve and record, under this id.

        Raises:
            ErasedMeanwhileError: More customers than so many were erased, so nothing is decided.
            JournalUnavailableError: It could not be recorded, so nothing is decided.
        """
        request = self._request(customer_id)
        ask = ask_of(request, customer_id, self.clock.now(), made)
        kept_by = partial(self.clerk.keep_soon, erasures=erasures)
        found = self.reception.keep(ask, request, equipment, kept_by)
        if not found.recorded:
            error = JournalUnavailableError if self.erasures() == erasures else ErasedMeanwhileError
            raise error("; ".join(found.warnings))

    def answers(self, made: Sequence[DecisionId]) -> Mapping[DecisionId, str]:
        """The recorded answers to those of these decisions that were made."""
        with self.journal.reading() as connection:
            return read_answers(connection, made)

    def _request(self, customer_id: CustomerId) -> api.DecisionRequest:
        order = self.order
        asked = {
            "customer_id": customer_id,
            "kind": order.kind,
            "offer_id": order.offer_id,
            "channels": None if order.channels is None else list(order.channels),
            "limit": order.limit,
            "contacts": order.contacts,
            "context": dict(order.context) or None,
        }
        return api.DecisionRequest.model_validate({name: each for name, each in asked.items() if each is not None})
