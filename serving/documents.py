"""Documents as they are read and replaced over HTTP, without the web."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from features.clock import Clock
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

        return self.change(name, check, by)

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

    def change(self, name: Name, edit: Callable[[Document[Any] | None], Body], by: str) -> Document[Any]:
        """Replace a document, after everyone whose turn was before; in force here when this returns.

        Args:
            name: Which one.
            edit: What it is to be, from what it is; None where that cannot be read.
            by: Who does it.
        """
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
