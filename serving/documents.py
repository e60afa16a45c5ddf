"""Documents as they are read and replaced over HTTP, without the web."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from features.catalogue import Catalogue
from features.clock import Clock
from features.domain import Offer, OfferId
from serving.archive import Archive
from serving.etag import check_match
from serving.journal import Cause, Journal
from serving.journal.audit import write_line
from serving.journal.documents import Version, keep_version
from serving.journal.transaction import Transaction
from serving.listing import Listed, imagined, unknown_in_offers
from serving.policy.cabinet import Cabinet
from serving.policy.document import Body, Document, Name, fingerprint, offers_of, parse, personas_of, policy_of
from serving.policy.flaw import DocumentError, Flaw
from serving.policy.form import write
from serving.policy.held import in_force
from serving.policy.names import unknown_to, unknown_to_personas
from serving.policy.persona import Persona, Personas
from serving.problem import Fault, RefusalError
from serving.watch import Watch

UNDERSTAND: Mapping[Name, Callable[[Body], Document[Any]]] = {
    Name.POLICY: policy_of,
    Name.OFFERS: offers_of,
    Name.PERSONAS: personas_of,
}


@dataclass(frozen=True, slots=True)
class Match:
    """Which version a caller means to change."""

    if_match: str | None = None
    if_none_match: str | None = None

    def check(self, current: str | None) -> None:
        """Raises RefusalError where it is not this one; None: there is none."""
        check_match(self.if_match, self.if_none_match, current)


@dataclass(frozen=True)
class Documents:
    """The documents of one source."""

    journal: Journal
    watch: Watch
    clock: Clock

    @property
    def cabinet(self) -> Cabinet:
        """Where they lie."""
        return self.watch.cabinet

    def read(self, name: Name) -> Document[Any]:
        """The version in force.

        Raises:
            RefusalError: 409 where its file cannot be used and no version before it is known.
        """
        remembered = Archive(self.journal, self.clock).remembered
        held = in_force(self.cabinet, name, UNDERSTAND[name], remembered)
        if held.document is None:
            detail = f"{held.note} Mend the file, or replace it with If-Match: *."
            raise RefusalError(409, "document_broken", detail)
        return held.document

    def understood(self, name: Name, body: Body) -> Document[Any]:
        """A document that may come into force.

        Raises:
            RefusalError: 422 with everything that is wrong, names that the catalogue lacks included.
        """
        try:
            document = UNDERSTAND[name](body)
        except DocumentError as error:
            raise refusal(error) from None
        flaws = list(_unknown(name, document, self.watch.listed))
        if flaws:
            raise refusal(DocumentError(name, flaws))
        return document

    def put(self, name: Name, body: Body, match: Match, by: str) -> Document[Any]:
        """Replace a document as a whole.

        Raises:
            RefusalError: 412 and 428 for another version than the one in force, 422 for a document that cannot be used.
        """
        document = self.understood(name, body)

        def check(current: Document[Any] | None) -> Body:
            match.check(current.fingerprint if current is not None else fingerprint({}))
            return document.body

        return self._change(name, check, by)

    def remove(self, name: Name, match: Match, by: str) -> Document[Any]:
        """Go back to the empty document. Raises RefusalError, as ``put``."""
        return self.put(name, {}, match, by)

    def persona(self, persona_id: str) -> Persona:
        """A persona.

        Raises:
            RefusalError: 404 where there is none.
        """
        document: Document[Personas] = self.read(Name.PERSONAS)
        found = next((each for each in document.value.personas if each.persona_id == persona_id), None)
        if found is None:
            raise RefusalError(404, "persona_not_found", f"There is no persona {persona_id!r}: see GET /v1/personas.")
        return found

    def offer(self, offer_id: str) -> tuple[Offer, str]:
        """An offer in force, with the fingerprint of its version.

        Raises:
            RefusalError: 404 where there is none, 409 where the document of offers cannot be read.
        """
        found = self._catalogue(self.read(Name.OFFERS)).offer.get(OfferId(offer_id))
        if found is None:
            raise RefusalError(404, "offer_not_found", f"There is no offer {offer_id!r}.")
        return found, fingerprint(write(found))

    def put_offer(self, offer_id: str, body: Body, match: Match, by: str) -> tuple[Offer, str]:
        """Make an offer, or replace one.

        Raises:
            RefusalError: As ``put``.
        """
        if body.get("offer_id", offer_id) != offer_id:
            detail = f"{body['offer_id']!r} is not the offer of this address, which is {offer_id!r}"
            raise refusal(DocumentError("offer", [Flaw("/offer_id", detail)]))
        told = {"offer_id": offer_id, **{key: each for key, each in body.items() if key != "$schema"}}

        def edit(current: Document[Any] | None) -> Body:
            match.check(self._fingerprint(current, offer_id))
            raw = dict(current.body) if current is not None else {}
            others = [each for each in raw.get("offers", []) if each["offer_id"] != offer_id]
            kept = [each for each in raw.get("withdrawn", []) if each != offer_id]
            changed = {**raw, "offers": [*others, told], **({"withdrawn": kept} if "withdrawn" in raw else {})}
            self._understood_offer(changed, len(others))
            return changed

        self._change(Name.OFFERS, edit, by)
        return self.offer(offer_id)

    def remove_offer(self, offer_id: str, match: Match, by: str) -> Document[Any]:
        """Make an offer no more; returns the document of offers.

        Raises:
            RefusalError: 404 where there is none, else as ``put``.
        """

        def edit(current: Document[Any] | None) -> Body:
            found = self._fingerprint(current, offer_id)
            if found is None:
                raise RefusalError(404, "offer_not_found", f"There is no offer {offer_id!r}.")
            match.check(found)
            raw = dict(current.body) if current is not None else {}
            raw["offers"] = [each for each in raw.get("offers", []) if each["offer_id"] != offer_id]
            imported = self.watch.listed.imported
            if imported is not None and offer_id in imported.offer:
                raw["withdrawn"] = [*raw.get("withdrawn", []), offer_id]
            return raw

        return self._change(Name.OFFERS, edit, by)

    def _understood_offer(self, body: Body, place: int) -> None:
        """Flaws are told as of the offer alone, which stands at ``place``."""
        try:
            self.understood(Name.OFFERS, body)
        except RefusalError as error:
            prefix = f"/offers/{place}"
            own = [Fault(pointer=f.pointer.removeprefix(prefix), detail=f.detail) for f in error.faults]
            raise RefusalError(error.status, error.code, error.detail, *own) from None

    def _fingerprint(self, document: Document[Any] | None, offer_id: str) -> str | None:
        if document is None:
            return None
        offer = self._catalogue(document).offer.get(OfferId(offer_id))
        return None if offer is None else fingerprint(write(offer))

    def _catalogue(self, offers: Document[Any]) -> Catalogue:
        listed = imagined(self.watch.listed, offers, None)
        if listed.catalogue is None:
            raise RefusalError(503, "not_ready", " ".join(each.sentence for each in self.watch.current.shortfalls))
        return listed.catalogue

    def _change(self, name: Name, edit: Callable[[Document[Any] | None], Body], by: str) -> Document[Any]:
        """Replace a document, after everyone whose turn was before; in force here when this returns."""
        before = self.cabinet.text(name)
        done: list[Document[Any]] = []

        def work(transaction: Transaction) -> None:
            transaction.take_turn()
            try:
                current = self.read(name)
            except RefusalError:
                current = None
            document = UNDERSTAND[name](edit(current))
            at = self.clock.now()
            version = Version(name, document.fingerprint, document.text, at, by)
            if keep_version(transaction.connection, version):
                was = None if current is None else current.fingerprint
                cause = Cause(at, by, f"{name} replaced over HTTP")
                write_line(transaction.connection, cause, "document", None, fingerprint=version.fingerprint, was=was)
            self.cabinet.put(name, _pretty(document.body) if document.body else None)
            done.append(document)

        try:
            self.journal.write(work)
        except BaseException:
            if done:
                self.cabinet.put(name, before)
            raise
        self.watch.refresh()
        return done[-1]


def _unknown(name: Name, document: Document[Any], listed: Listed) -> Iterator[Flaw]:
    """Names that the catalogue lacks; without a catalogue none can be told right from wrong."""
    if listed.imported is None or listed.catalogue is None:
        return iter(())
    if name is Name.OFFERS:
        return unknown_in_offers(imagined(listed, document, None).catalogue or listed.catalogue, document.value)
    unknown = unknown_to if name is Name.POLICY else unknown_to_personas
    return unknown(listed.catalogue, document.value)


def refusal(error: DocumentError) -> RefusalError:
    """The answer to a document that cannot be used."""
    faults = [Fault(pointer=flaw.pointer, detail=flaw.sentence) for flaw in error.flaws]
    return RefusalError(422, "invalid_document", f"{error}.".capitalize(), *faults)


def parsed(name: str, text: bytes) -> Body:
    """The JSON object of a request's body.

    Raises:
        RefusalError: 400 where it is none.
    """
    try:
        return parse(name, text)
    except DocumentError as error:
        raise RefusalError(400, "malformed", f"{error}.".capitalize()) from None


def _pretty(body: Body) -> bytes:
    return json.dumps(body, ensure_ascii=False, indent=2).encode(errors="surrogatepass") + b"\n"
