"""Everything that can be asked of the live customer, without the web."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from features.clock import Clock
from features.domain import CustomerId, DecisionId
from serving import live_api as api
from serving.batch_files import FilesLeftError
from serving.consent import EVERY_CHANNEL, Consent
from serving.door import Door
from serving.events.arrival import Receipt, Status
from serving.events.body import BodyError, TooManyError, items, parse
from serving.identity.identity import Identity, identity
from serving.identity.namespace import CUSTOMER, IdentityError
from serving.intake import Intake
from serving.journal import Cause, Journal
from serving.journal.audit import write_line
from serving.journal.consents import consents_of, state_consent
from serving.journal.erasure import Known, is_erased, known
from serving.journal.names import book
from serving.journal.people import People, UnknownCustomerError
from serving.journal.timeline import everything
from serving.page import Page, statements
from serving.problem import Fault, RefusalError
from serving.repeats import Repeats
from serving.values import Values

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Live:
    """What the routes of events and customers are made of."""

    journal: Journal
    intake: Intake
    page: Page
    door: Door
    clock: Clock
    values: Values
    """What is stored of customers outside the journal."""
    forget_in_files: Callable[[Known], None]
    """Removes a customer from the batch files, or raises FilesLeftError."""

    @property
    def repeats(self) -> Repeats:
        """The answers that are kept for calls that are sent again."""
        return Repeats(self.journal, self.clock)

    def events(self, body: bytes, by: str) -> api.EventsAnswer:
        """Take in a body of events.

        Raises:
            RefusalError: 400 where it is no JSON, 413 where it is too many, 422 where it is no batch.
        """
        try:
            listed = items(parse(body))
        except TooManyError as error:
            raise RefusalError(413, "too_many_events", f"{error}.") from None
        except BodyError as error:
            status, code = (400, "malformed") if "JSON" in str(error) or "UTF-8" in str(error) else (422, "no_events")
            raise RefusalError(status, code, f"{error}.".capitalize()) from None
        return _answer(self.intake.accept(listed, by))

    def outcomes(self, decision_id: DecisionId, told: api.Outcomes, by: str) -> api.EventsAnswer:
        """Take in what came of a decision, for the customer and on the channel it was made for.

        Raises:
            RefusalError: 404 for an unknown decision, 410 for an erased one, 422 for an offer it did not make.
        """
        record = self.journal.decision(decision_id)
        if record is None:
            with self.journal.reading() as connection:
                if is_erased(connection, decision_id):
                    raise RefusalError(410, "decision_erased", "This decision was erased with its customer.")
            raise RefusalError(404, "decision_not_found", f"There is no decision {decision_id!r}.")
        made = json.loads(record.answer).get("items", [])
        listed = [
            self._outcome(place, each, decision_id, record.customer_id, made)
            for place, each in enumerate(told.outcomes)
        ]
        return _answer(self.intake.accept(listed, by))

    @staticmethod
    def _outcome(
        place: int, outcome: api.Outcome, decision_id: DecisionId, customer_id: CustomerId, made: list[dict[str, Any]]
    ) -> dict[str, object]:
        item = next((each for each in made if outcome.offer_id in (None, each["offer_id"])), None)
        if item is None:
            offers = ", ".join(each["offer_id"] for each in made) or "nothing"
            detail = f"The decision offered {offers}, so nothing else can have come of it."
            raise RefusalError(422, "not_offered", detail, Fault(pointer=f"/outcomes/{place}/offer_id", detail=detail))
        parts = (decision_id, item["offer_id"], outcome.kind, outcome.occurred_at or "")
        found: dict[str, object] = {
            "source": "outcomes",
            "event_id": outcome.event_id or hashlib.sha256("|".join(parts).encode()).hexdigest(),
            "customer_id": customer_id,
            "kind": outcome.kind,
            "channel": item["channel"],
            "offer_id": item["offer_id"],
            "decision_id": decision_id,
        }
        optional = {"occurred_at": outcome.occurred_at, "value_minor": outcome.value_minor}
        return found | {name: value for name, value in optional.items() if value is not None}

    def known(self, name: Identity) -> CustomerId:
        """Whose name this is.

        Raises:
            RefusalError: 404 where it is nobody's.
        """
        found = self.journal.find(name)
        if found is None:
            raise RefusalError(404, "customer_not_found", "Nobody is known by this name.")
        return found.customer_id

    def name(self, namespace: str, value: str) -> Identity:
        """A name as a caller writes it.

        Raises:
            RefusalError: 422 where it cannot be one.
        """
        try:
            return identity(namespace, value)
        except IdentityError as error:
            raise RefusalError(422, "wrong_identity", f"{error}.".capitalize()) from None

    def customer(self, name: Identity, cursor: str | None) -> api.CustomerPage:
        """The page of a customer.

        Raises:
            RefusalError: 404 where nobody is known by the name, 422 for a cursor that is none.
        """
        if cursor is not None and not (cursor.isascii() and cursor.isdigit() and len(cursor) < 19):
            raise RefusalError(422, "wrong_cursor", "Send the cursor of the page before, or none.")
        page = self.page.write(self.known(name), self.clock.now(), None if cursor is None else int(cursor))
        if page is None:
            raise RefusalError(404, "customer_not_found", "Nobody is known by this name.")
        return page

    def consent(self, customer: str, statement: api.ConsentStatement, by: str) -> list[api.ConsentHeld]:
        """Record a statement of a customer; it holds from the next decision on. Returns all that holds.

        A right may be exercised before anything else is known: a number that is new becomes a customer's.

        Raises:
            RefusalError: 404 for a name made by Kairos that is nobody's.
        """
        name = self.name(CUSTOMER, customer)
        cause = Cause(self.clock.now(), by, "stated")
        consent = Consent(
            statement.purpose,
            statement.granted,
            cause.at,
            statement.source,
            statement.channel or EVERY_CHANNEL,
            statement.proof,
        )

        def change(people: People) -> CustomerId:
            customer_id = people.settle((name,)).customer_id
            connection = people.names.connection
            state_consent(connection, customer_id, consent)
            book(connection, [customer_id], people.names.transaction.next_position())
            write_line(connection, cause, "consent", customer_id, purpose=consent.purpose, granted=consent.granted)
            return customer_id

        try:
            customer_id = self.journal.change_people(cause, change)
        except UnknownCustomerError as error:
            raise RefusalError(404, "customer_not_found", f"{error}.".capitalize()) from None
        with self.journal.reading() as connection:
            return statements(consents_of(connection, customer_id))

    def split(self, customer: str, wanted: api.Split, by: str) -> api.SplitAnswer:
        """Set names of a customer apart; both sides' features are recomputed from the journal.

        Raises:
            RefusalError: 404 where nobody is known, 409 where the names are not the customer's.
        """
        customer_id = self.known(self.name(CUSTOMER, customer))
        names = [self.name(each.namespace, each.value) for each in wanted.names]
        try:
            other = self.journal.split(customer_id, names, Cause(self.clock.now(), by, wanted.reason))
        except UnknownCustomerError as error:
            raise RefusalError(409, "cannot_split", f"{error}.".capitalize()) from None
        self.intake.projection.settle([customer_id, other])
        return api.SplitAnswer(customer_id=other)

    def export(self, customer: str) -> dict[str, object]:
        """Everything that is held of a customer."""
        customer_id = self.known(self.name(CUSTOMER, customer))
        with self.journal.reading() as connection:
            return everything(connection, customer_id)

    def erase(self, customer: str, by: str) -> api.Erasure:
        """Erase a customer: from the batch files first, as only the journal knows under what to look there.

        Raises:
            RefusalError: 404 where nobody is known, 503 where the files could not be rewritten; nothing is lost then.
        """
        customer_id = self.known(self.name(CUSTOMER, customer))
        with self.journal.reading() as connection:
            known_as = known(connection, customer_id)
        try:
            self.forget_in_files(known_as)
        except FilesLeftError as error:
            raise RefusalError(503, "files_left", f"{error}.".capitalize()) from error
        self.values.forget(known_as.customer_ids)
        cause = Cause(self.clock.now(), by, "erasure asked for")
        erased = self.journal.erase(customer_id, cause, drop=self.values.remove)  # who read until then stored it again
        try:
            self.values.forget(erased.customer_ids)  # and so did who read until it was durable
            self.values.compact()
        except Exception:  # what was stored before is gone, and nobody is known any more to call this for again
            _LOG.exception("what was stored in the moment of an erasure may be left: run `make features`")
        return api.Erasure(tombstone=erased.tombstone, events=erased.events, decisions=erased.decisions)


def _answer(receipts: list[Receipt]) -> api.EventsAnswer:
    counts = {status: sum(each.status is status for each in receipts) for status in Status}
    return api.EventsAnswer(
        accepted=counts[Status.ACCEPTED],
        duplicates=counts[Status.DUPLICATE],
        refused=counts[Status.REFUSED],
        items=[
            api.ItemAnswer(
                status=each.status.value,
                source=each.source,
                event_id=each.event_id,
                customer_id=each.customer_id,
                code=each.code,
                why=each.why,
                notes=list(each.notes),
            )
            for each in receipts
        ],
    )
