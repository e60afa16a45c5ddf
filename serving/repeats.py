"""A call that is sent again under the same ``Idempotency-Key`` gets the answer it got the first time."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256

from features.clock import Clock
from features.domain import CustomerId, DecisionId
from serving.journal import Journal, JournalUnavailableError
from serving.journal.answers import Kept, keep_answer, kept_answer
from serving.journal.decisions import is_kept
from serving.journal.transaction import Transaction, erasures_in
from serving.problem import RefusalError


@dataclass(frozen=True, slots=True)
class Call:
    """A call as far as it matters for whether another one is the same."""

    by: str
    key: str | None
    """None: the call is not to be remembered."""
    where: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Given:
    """An answer, JSON, with the customers it tells of."""

    answer: str
    customers: frozenset[CustomerId]
    lasting: bool = True
    """False for one that the next call may better."""
    decision_id: DecisionId | None = None
    """Of the decision that it tells, where it tells one: recorded, it goes with its customer."""


@dataclass(frozen=True)
class Repeats:
    """Remembers in the journal, so that every worker gives the same answer."""

    journal: Journal
    clock: Clock

    def once(self, call: Call, work: Callable[[], Given]) -> str:
        """What was answered to this call before; where it is new, what ``work`` answers to it.

        Of two equal calls at the same time both may be worked on, and one answer is given to both.

        Raises:
            RefusalError: 422 where the key came with another call before.
            JournalUnavailableError: It cannot be told whether the call came before.
        """
        if call.key is None:
            return work().answer
        key = _digest(call.by.encode(), call.key.encode())
        body = _digest(call.where.encode(), call.body)
        with self.journal.reading() as connection:
            kept, erasures = kept_answer(connection, key), erasures_in(connection)
        if kept is None:
            given = work()
            kept = Kept(body, given.answer)
            if given.lasting:
                kept = self._keep(key, kept, given, erasures)
        if kept.body != body:
            detail = "This Idempotency-Key came with another request before: use a new one for each request."
            raise RefusalError(422, "idempotency_key_reused", detail)
        return kept.answer

    def _keep(self, key: str, kept: Kept, given: Given, erasures: int) -> Kept:
        at = self.clock.now()

        def change(transaction: Transaction) -> Kept:
            if transaction.erasures != erasures and _may_be_gone(transaction, given):
                return kept
            return keep_answer(transaction.connection, key, kept, at, given.customers)

        # What was done is done and durable: that it cannot be remembered as an answer is no reason to call it failed.
        with suppress(JournalUnavailableError):
            return self.journal.write(change)
        return kept


def _may_be_gone(transaction: Transaction, given: Given) -> bool:
    """Whether somebody of whom an answer tells may have been erased since: only a decision's own record can tell.

    Whoever has the number of one of these may be somebody else by now.
    """
    if not given.customers:
        return False
    return given.decision_id is None or not is_kept(transaction.connection, given.decision_id)


def _digest(*parts: bytes) -> str:
    """The lengths keep parts apart that read the same when joined."""
    return sha256(b"".join(len(part).to_bytes(8) + part for part in parts)).hexdigest()
