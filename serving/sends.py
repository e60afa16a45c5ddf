"""What an e-mail that is being sent says: decided once for each send, and the same to whoever asks again.

The sender cannot confirm, so the contact counts from the moment at which the answer is given. Without the journal
nothing can be checked or remembered: then, and wherever else nothing may be offered, the policy's neutral text is the
answer.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from concurrent.futures import TimeoutError as LateError
from dataclasses import dataclass, replace

from features.clock import Clock
from features.domain import ChannelName, CustomerId, DecisionId, OfferId
from serving import api
from serving.answer_api import read_answer
from serving.asking import ask_of
from serving.clerk import Clerk, Write
from serving.desk import Made
from serving.equipment import Equipment
from serving.gone import gone_since
from serving.identifier import new_id
from serving.identity.identity import identity
from serving.identity.namespace import CUSTOMER, IdentityError
from serving.journal import Journal, JournalUnavailableError
from serving.journal.consents import consents_of
from serving.journal.contacts import find
from serving.journal.decisions import read_answers, write_row
from serving.journal.sends import Sending, decided_for, note_send
from serving.journal.standings import confirm
from serving.journal.transaction import Transaction
from serving.later import Later, after
from serving.ledger.contact import ContactId, Standing
from serving.message import SILENCE, neutral, offered
from serving.progress import Progress
from serving.reception import Reception
from serving.send_api import SendAnswer
from serving.shortfall import Lack
from serving.wish import Wish

UNKNOWN, UNRECORDED = "customer_unknown", Lack.JOURNAL_UNAVAILABLE.value
STANDS = (Standing.RESERVED, Standing.CONFIRMED, Standing.SENT, Standing.OVERDRAWN)
"""A contact that was given back, on the other hand, is not to be made."""


class _DecidedError(Exception):
    """Another call for the same send was faster."""

    def __init__(self, decision_id: DecisionId) -> None:
        super().__init__(decision_id)
        self.decision_id = decision_id


@dataclass(frozen=True)
class Sends:
    """Answers senders."""

    clerk: Clerk
    reception: Reception
    clock: Clock
    equipment: Callable[[], Equipment]
    stored: Callable[[CustomerId], bool]
    """True where anything is stored of a customer; also where it cannot be told."""
    deadline_s: float = 0.0
    """After which the answer is neutral, and what is granted later is released; 0: never."""
    pool: Executor | None = None
    """Where answers are worked on that somebody waits for until a deadline."""

    @property
    def _journal(self) -> Journal:
        return self.clerk.journal

    def answer(self, wish: Wish) -> SendAnswer:
        """What the message says.

        Raises:
            RefusalError: 422 for a channel or kind that the catalogue lacks, and for personal data in the address.
        """
        equipment, progress = self.equipment(), Progress()
        wish.check(equipment)
        if self.pool is None or not self.deadline_s:
            return self._answer(wish, equipment, progress)
        found = self.pool.submit(self._answer, wish, equipment, progress)
        try:
            return found.result(self.deadline_s)
        except LateError:
            progress.abandon()
            return neutral(wish, equipment, Lack.LATE_FOR_ALL.value)

    def _answer(self, wish: Wish, equipment: Equipment, progress: Progress) -> SendAnswer:
        try:
            customer_id = self._whose(wish.customer_id, progress)
            if customer_id is None:
                return neutral(wish, equipment, UNKNOWN)
            decision_id = self._decided(customer_id, wish, equipment, progress)
            return neutral(wish, equipment, UNRECORDED) if decision_id is None else self._told(decision_id, wish)
        except JournalUnavailableError:
            return neutral(wish, equipment, UNRECORDED)

    def _whose(self, value: str, progress: Progress) -> CustomerId | None:
        """Who is meant; None where nothing is known of such a customer."""
        try:
            name = identity(CUSTOMER, value)
        except IdentityError:
            return None
        found = self._journal.find(name)
        if found is not None:
            progress.known = True
            return found.customer_id
        return CustomerId(name.value) if self.stored(CustomerId(name.value)) else None

    def _decided(
        self, customer_id: CustomerId, wish: Wish, equipment: Equipment, progress: Progress
    ) -> DecisionId | None:
        """The decision for this send, made now unless there is one; None where it could not be recorded."""
        with self._journal.reading() as connection:
            before = decided_for(connection, customer_id, wish.sending)
        if before is not None:
            return before
        asked = {"customer_id": customer_id, "channels": [wish.sending.channel], "limit": wish.limit}
        asked |= {"language": wish.language} | ({} if wish.kind is None else {"kind": wish.kind})
        request, at = api.DecisionRequest.model_validate(asked), self.clock.now()
        ask = replace(ask_of(request, customer_id, at, new_id(at)), now_only=True)
        try:
            found = self.reception.keep(
                ask,
                request,
                equipment,
                kept_by=lambda made, write: self._keep(wish.sending, made, write),
                progress=progress,
            )
        except _DecidedError as error:
            return error.decision_id
        return DecisionId(found.decision_id) if found.recorded else None

    def _keep(self, sending: Sending, made: Made, write: Write) -> Later[Made]:
        """Grant, confirm and record what was made, in one transaction with the send that it is for."""

        def change(transaction: Transaction) -> Made:
            transaction.take_turn()
            _once(transaction, made, sending)
            kept = self.clerk.within(transaction, made)
            _once(transaction, kept, sending)  # the customer may be called otherwise by now
            decision = kept.decision
            ask = decision.ask
            write_row(transaction.connection, write(kept))
            note_send(transaction, ask.customer_id, sending, ask.decision_id, ask.at)
            for contact in decision.grant.contacts:
                confirm(transaction, contact.contact_id, ask.at)
            return kept

        def counted(written: Later[Made]) -> Made:
            kept = written.result()
            self.clerk.desk.count(kept.decision.draw.cost, kept.decision.ask.at)
            return kept

        return after(self._journal.write_soon(change), counted)

    def _told(self, decision_id: DecisionId, wish: Wish) -> SendAnswer:
        """What was decided, as far as it still stands."""
        equipment = self.equipment()
        with self._journal.reading() as connection:
            made = read_answers(connection, [decision_id]).get(decision_id)
            if made is None:  # erased since
                return neutral(wish, equipment, UNKNOWN)
            answer = read_answer(made)
            items = [item for item in answer.items if not item.alternative]
            if not items:
                return neutral(wish, equipment, SILENCE, answer)
            contact_id = next((item.contact_id for item in items if item.contact_id is not None), None)
            held = None if contact_id is None else find(connection, ContactId(contact_id))
            if held is not None and held.contact.standing not in STANDS:
                return neutral(wish, equipment, f"contact_{held.contact.standing}", answer)
            whose = CustomerId(answer.customer_id) if held is None else held.customer_id
            said = consents_of(connection, whose)
        offers = [OfferId(item.offer_id) for item in items]
        gone = gone_since(ChannelName(wish.sending.channel), offers, self.clock.now(), equipment, said)
        return offered(wish, answer, items, contact_id) if gone is None else neutral(wish, equipment, gone[0], answer)


def _once(transaction: Transaction, made: Made, sending: Sending) -> None:
    before = decided_for(transaction.connection, made.decision.ask.customer_id, sending)
    if before is not None:
        raise _DecidedError(before)
