"""Grants what a decision asks for and keeps its record: both, in one transaction, or neither."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from serving.desk import Desk, Made
from serving.journal import Journal
from serving.journal.counters import put_back
from serving.journal.documents import Version, keep_once
from serving.journal.errors import ErasedMeanwhileError
from serving.journal.holds import cancel_holds
from serving.journal.past import standing_of
from serving.journal.record import Row
from serving.journal.reserving import reserve
from serving.journal.standings import release
from serving.journal.transaction import Transaction
from serving.later import Later
from serving.ledger.reservation import Exhausted, Reserved
from serving.shortfall import Lack, Shortfall

MOST_ATTEMPTS = 8
"""Draws after which nothing is offered: whatever is chosen is used up by others at the same moment."""

Write = Callable[[Made], Row]
"""What is kept of a decision."""


@dataclass(frozen=True)
class Clerk:
    """Keeps the decisions of a desk."""

    journal: Journal
    desk: Desk
    _seen: set[str] = field(default_factory=set)
    """Fingerprints of the evidence that this process knows to be kept."""

    def keep(self, made: Made, write: Write) -> Made:
        """The decision that was granted and recorded: the one that was made, unless what it rests on changed meanwhile.

        Raises:
            JournalUnavailableError: Nothing was granted or recorded.
        """
        return self.keep_soon(made, write).result()

    def keep_soon(self, made: Made, write: Write, erasures: int | None = None) -> Later[Made]:
        """As ``keep``, without waiting for it.

        With ``erasures``, where more customers than so many were erased, it fails with ErasedMeanwhileError.
        """
        row = write(made)  # packed before others have to wait for the end of this transaction

        def change(transaction: Transaction) -> Made:
            if erasures not in (None, transaction.erasures):
                raise ErasedMeanwhileError("customers were erased at this moment")
            kept = self.within(transaction, made)
            self._keep_evidence(transaction, kept)
            transaction.keep(row if kept is made else write(kept))
            return kept

        if made.decision.grant.empty and made.equipment.snapshot.fingerprint in self._seen:
            before = made.erasures if erasures is None else erasures
            soon = self.journal.keep_soon(row, made, before, change)  # at a fraction of what the change costs
        else:
            soon = self.journal.write_soon(change)
        soon.add_done_callback(self._count)
        return soon

    def _count(self, written: Later[Made]) -> None:
        if written.exception() is None:
            kept = written.result()
            self._seen.add(kept.equipment.snapshot.fingerprint)
            self.desk.count(kept.decision.draw.cost, kept.decision.ask.at)

    def take_back(self, made: Made, reason: str) -> None:
        """Give back soon what was granted for a decision; where that fails, the reservations expire by themselves."""
        grant, at = made.decision.grant, made.decision.ask.at

        def undo(transaction: Transaction) -> None:
            transaction.take_turn()
            for contact in grant.contacts:
                release(transaction, contact.contact_id, at, reason)
            put_back(transaction.connection, [take for take in grant.takes if take.contact_id is None])
            cancel_holds(transaction.connection, made.decision.ask.decision_id)

        if not grant.empty:
            self.journal.write_soon(undo)

    def within(self, transaction: Transaction, made: Made) -> Made:
        """The same inside a transaction of the caller's, who writes the record."""
        if made.erasures not in (None, transaction.erasures):
            made = self._after_erasure(transaction, made)
        for _ in range(MOST_ATTEMPTS):
            decision = made.decision
            grant, ledger = decision.grant, decision.circumstances.ledger
            if grant.empty:
                return made
            outcome = reserve(
                transaction,
                decision.ask.customer_id,
                ledger.revision,
                grant.contacts,
                grant.takes,
                decision.ask.at,
                displaced=grant.displaced,
                policy=decision.versions.policy,
                zone=decision.known.zone,
                decision_id=decision.ask.decision_id,
            )
            if isinstance(outcome, Reserved):
                return made
            made = (
                made.again(outcome.keys)
                if isinstance(outcome, Exhausted)
                else self.desk.anew(transaction, made, outcome.customer_id)
            )
        busy = Shortfall(Lack.CONTENDED, f"Nothing is offered: {MOST_ATTEMPTS} draws chose what others took meanwhile.")
        return made.without(busy)

    def _after_erasure(self, transaction: Transaction, made: Made) -> Made:
        """The decision, where somebody was erased since the journal was read for it.

        Raises:
            ErasedMeanwhileError: It was this customer.
        """
        customer_id, revision = made.decision.ask.customer_id, made.decision.circumstances.ledger.revision
        now = standing_of(transaction.connection, customer_id).revision
        if revision and not now:
            raise ErasedMeanwhileError("the customer was erased at this moment")
        if revision and now == revision:
            return made
        # Whoever the journal knows nothing of may have been decided for before, and erased by now; whoever is another
        # now may be somebody else, who has the number of one who was erased.
        return self.desk.anew(transaction, made, customer_id)

    def _keep_evidence(self, transaction: Transaction, made: Made) -> None:
        """Keep what the decision was told of all customers, the first time that it is used."""
        snapshot = made.equipment.snapshot
        if snapshot.fingerprint not in self._seen:
            version = Version("evidence", snapshot.fingerprint, snapshot.text, made.decision.ask.at, "service")
            keep_once(transaction.connection, version)
