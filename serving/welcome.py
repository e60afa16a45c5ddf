"""Receives a customer who comes with a decision request: who is it, and what just happened."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import sha256

from features.domain import ChannelName, CustomerId, EventId, Instant
from features.quick import quick
from serving import api
from serving.events.arrival import Arrival, Status
from serving.german_notes import note, refused
from serving.identity.identity import Identity, distinct, identity
from serving.identity.namespace import CUSTOMER, IdentityError
from serving.intake import Intake
from serving.journal import Cause, JournalUnavailableError
from serving.journal.dossier import Dossier
from serving.language import Language
from serving.problem import Fault, RefusalError
from serving.projection import NoVocabularyError

CALLER = "decision"
"""Who is said to have sent what came with a decision request."""


@quick(frozen=True, slots=True)
class Arrived:
    """For whom to decide, and what a caller should know of what was sent along."""

    customer_id: CustomerId
    warnings: tuple[str, ...] = ()
    met: Dossier | None = None
    """What the journal held of the customer after that, before anything else is read."""


def by_number(request: api.DecisionRequest, _: Instant) -> Arrived:
    """Takes the customer's number as it is and nothing else: for a service without a journal of events."""
    return Arrived(CustomerId(request.customer_id or ""))


@dataclass(frozen=True)
class Welcome:
    """Receives customers for a live service."""

    intake: Intake

    def receive(self, request: api.DecisionRequest, since: Instant) -> Arrived:
        """The customer whom the request names, once its events are journalled and counted.

        ``since`` is from when on contacts with the customer are wanted.
        A dry run journals nothing; where the journal cannot be used, the decision goes on without and says so.

        Raises:
            RefusalError: 422 for a name that cannot be one.
        """
        try:
            names, events = _names(request), request.events or []
        except RefusalError:
            if request.customer_id is None or request.identities or request.events:
                raise
            return by_number(request, since)  # nothing can be known under such a number, which is no reason to refuse
        try:
            warnings = tuple(self._take(request, events)) if events and not request.dry_run else ()
            met = self._met(names, request.dry_run, since)
            return Arrived(met.who.customer_id, warnings + _left_out(request) if events else warnings, met)
        except (JournalUnavailableError, NoVocabularyError) as error:
            sentence = f"The events of this request were not taken in: {error}."
            told = (note(sentence, Language(request.language)),) if events else ()
            return Arrived(CustomerId(names[0].value), told)

    def _take(self, request: api.DecisionRequest, events: list[dict[str, object]]) -> Iterator[str]:
        """Take the events in; yields a sentence for each that was refused."""
        own: dict[str, object] = {"customer_id": request.customer_id} if request.customer_id else {}
        own["identities"] = [each.model_dump() for each in request.identities or ()]
        nameless = ("customer_id", "identities", "subject", "userId", "anonymousId")
        listed = [event if any(name in event for name in nameless) else {**event, **own} for event in events]
        for place, receipt in enumerate(self.intake.accept(listed, CALLER)):
            if receipt.status is Status.REFUSED:
                yield refused(place, receipt.code or "", receipt.why or "", Language(request.language))

    def _met(self, names: tuple[Identity, ...], dry_run: bool, since: Instant) -> Dossier:
        """The strongest name's customer; several names are linked, and a stranger under them becomes known."""
        journal = self.intake.projection.journal
        found = None
        for name in names:
            if (found := journal.known_as(name, since)) is not None:
                break
        if dry_run or (len(names) == 1 and (found is not None or names[0].namespace == CUSTOMER)):
            return journal.dossier(CustomerId(names[0].value), since) if found is None else found
        told = "|".join(f"{name.namespace}:{name.value}" for name in names)
        statement = Arrival(
            CALLER, EventId(sha256(told.encode()).hexdigest()), names, None, ChannelName(""), self.intake.clock.now()
        )
        taken = journal.take_in([statement], Cause(self.intake.clock.now(), CALLER, "named together"))
        self.intake.projection.settle(taken.touched)
        return journal.dossier(CustomerId(taken.receipts[0].customer_id or names[0].value), since)


def _left_out(request: api.DecisionRequest) -> tuple[str, ...]:
    sentence = "A dry run journals nothing: its events did not count."
    return (note(sentence, Language(request.language)),) if request.dry_run else ()


def _names(request: api.DecisionRequest) -> tuple[Identity, ...]:
    if request.customer_id is None and not request.identities:
        detail = "Name the customer: send customer_id or identities."
        raise RefusalError(422, "invalid_request", detail, Fault(pointer="/customer_id", detail=detail))
    if not request.identities and request.customer_id is not None:
        return (_name(CUSTOMER, request.customer_id, "/customer_id"),)
    told = [(CUSTOMER, request.customer_id, "/customer_id")] if request.customer_id is not None else []
    told += [(n.namespace, n.value, f"/identities/{place}") for place, n in enumerate(request.identities or ())]
    return distinct([_name(*each) for each in told])


def _name(namespace: str, value: str, where: str) -> Identity:
    try:
        return identity(namespace, value)
    except IdentityError as error:
        detail = f"{error}.".capitalize()
        raise RefusalError(422, "wrong_identity", detail, Fault(pointer=where, detail=detail)) from None


Receive = Callable[[api.DecisionRequest, Instant], Arrived]
"""Told from when on contacts with the customer are wanted."""
