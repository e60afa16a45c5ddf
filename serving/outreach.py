"""What senders ask before and after they send: may this message go out, and what went out that nobody had granted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from features.clock import Clock
from features.instant import format_instant
from serving.contact_api import ContactAnswer, Overdraft, Overdrafts
from serving.equipment import Equipment
from serving.follow_ups import overtaken
from serving.gone import gone_since
from serving.journal import Journal, JournalUnavailableError
from serving.journal.consents import consents_of
from serving.journal.contact_story import overdrawn
from serving.journal.contacts import Held, find
from serving.journal.follow_ups import happened_since, reminder
from serving.journal.standings import confirm, release
from serving.journal.transaction import Transaction
from serving.ledger.contact import ContactId, Standing
from serving.problem import RefusalError

R = TypeVar("R")
PAGE = 100
"""Overdrafts of one answer."""

WHY_NOT = {
    Standing.EXPIRED: "The reservation expired before it was confirmed: decide again.",
    Standing.DISPLACED: "A message of higher priority took its place.",
    Standing.RELEASED: "The reservation was given back.",
    Standing.OVERDRAWN: "A message already went out on it, at another time than was granted.",
    Standing.SENT: "The message already went out.",
}


@dataclass(frozen=True)
class Outreach:
    """Confirms and releases contacts."""

    journal: Journal
    clock: Clock
    equipment: Callable[[], Equipment]

    def confirm(self, contact_id: str) -> ContactAnswer:
        """Confirm a reservation: the message may go out at its moment.

        Raises:
            RefusalError: 404 for an unknown contact, 409 where it may no longer go out, 503 without the journal.
        """
        equipment, at = self.equipment(), self.clock.now()

        def ask(transaction: Transaction) -> tuple[Held | None, tuple[str, str] | None]:
            transaction.take_turn()
            found = find(transaction.connection, ContactId(contact_id))
            if found is not None and found.contact.standing in (Standing.RESERVED, Standing.CONFIRMED):
                contact = found.contact
                said = consents_of(transaction.connection, found.customer_id)
                gone = gone_since(contact.channel, contact.offers, max(at, contact.moment), equipment, said)
                gone = gone or _overtaken(transaction, found, equipment)
                if gone is not None:
                    return release(transaction, found.contact.contact_id, at, gone[0]), gone
            return confirm(transaction, ContactId(contact_id), at), None

        found, gone = self._write(ask)
        if found is None:
            raise _unknown(contact_id)
        if gone is not None:
            raise RefusalError(409, *gone)
        standing = found.contact.standing
        if standing is not Standing.CONFIRMED:
            raise RefusalError(409, f"contact_{standing}", WHY_NOT[standing])
        return _told(found)

    def release(self, contact_id: str) -> ContactAnswer:
        """Give a reserved or confirmed contact back; what holds no slot any more stays as it is.

        Raises:
            RefusalError: 404 for an unknown contact, 409 where the message went out, 503 without the journal.
        """
        at = self.clock.now()
        found = self._write(lambda t: release(t, ContactId(contact_id), at, "given back by the sender"))
        if found is None:
            raise _unknown(contact_id)
        standing = found.contact.standing
        if standing in (Standing.SENT, Standing.OVERDRAWN):
            raise RefusalError(409, f"contact_{standing}", WHY_NOT[standing])
        return _told(found)

    def overdrawn(self, cursor: str | None) -> Overdrafts:
        """Messages that went out without a valid reservation, in the order in which that was learnt.

        Raises:
            RefusalError: 422 for a cursor that is none, 503 without the journal.
        """
        if cursor is not None and not (cursor.isascii() and cursor.isdigit() and len(cursor) < 19):
            raise RefusalError(422, "wrong_cursor", "Send the cursor of the page before, or none.")
        try:
            with self.journal.reading() as connection:
                found = overdrawn(connection, int(cursor or 0), PAGE)
        except JournalUnavailableError as error:
            raise RefusalError(503, "journal_unavailable", f"{error}.".capitalize()) from error
        return Overdrafts(
            overdrafts=[
                Overdraft(
                    contact_id=held.contact.contact_id,
                    customer_id=held.customer_id,
                    channel=held.contact.channel,
                    sent_at=format_instant(held.contact.moment),
                    offers=list(held.contact.offers),
                    decision_id=held.contact.decision_id,
                )
                for _, held in found
            ],
            cursor=str(found[-1][0]) if found else cursor,
        )

    def _write(self, change: Callable[[Transaction], R]) -> R:
        try:
            return self.journal.write(change)
        except JournalUnavailableError as error:
            raise RefusalError(503, "journal_unavailable", f"{error}.".capitalize()) from error


def _overtaken(transaction: Transaction, found: Held, equipment: Equipment) -> tuple[str, str] | None:
    """Code and sentence where what cancels a reminder has happened since it was decided."""
    decision_id = found.contact.decision_id
    each = None if decision_id is None else reminder(transaction.connection, decision_id)
    why = None if each is None else overtaken(happened_since(transaction.connection, each), each, equipment)
    return None if why is None else ("overtaken", f"The reminder is no longer needed: {why}.")


def _unknown(contact_id: str) -> RefusalError:
    return RefusalError(404, "contact_not_found", f"There is no contact {contact_id!r}.")


def _told(held: Held) -> ContactAnswer:
    contact = held.contact
    return ContactAnswer(
        contact_id=contact.contact_id,
        standing=contact.standing.value,
        channel=contact.channel,
        moment=format_instant(contact.moment),
        offers=list(contact.offers),
        confirm_before=format_instant(contact.expires_at) if contact.standing is Standing.RESERVED else None,
    )
