"""Offers as they are read and replaced over HTTP, one by one; those that are put stand in one document."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from features.catalogue import Catalogue
from features.domain import Offer, OfferId
from serving.documents import Documents, Match, refusal
from serving.listing import imagined
from serving.policy.document import Body, Document, Name, fingerprint
from serving.policy.flaw import DocumentError, Flaw
from serving.policy.form import write
from serving.problem import Fault, RefusalError


@dataclass(frozen=True, slots=True)
class Offers:
    """The offers of one source."""

    documents: Documents

    def read(self, offer_id: str) -> tuple[Offer, str]:
        """An offer in force, with the fingerprint of its version.

        Raises:
            RefusalError: 404 where there is none, 409 where the document of offers cannot be read.
        """
        found = self._catalogue(self.documents.read(Name.OFFERS)).offer.get(OfferId(offer_id))
        if found is None:
            raise RefusalError(404, "offer_not_found", f"There is no offer {offer_id!r}.")
        return found, fingerprint(write(found))

    def put(self, offer_id: str, body: Body, match: Match, by: str) -> tuple[Offer, str]:
        """Make an offer, or replace one.

        Raises:
            RefusalError: As ``Documents.put``.
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

        self.documents.change(Name.OFFERS, edit, by)
        return self.read(offer_id)

    def remove(self, offer_id: str, match: Match, by: str) -> Document[Any]:
        """Make an offer no more; returns the document of offers.

        Raises:
            RefusalError: 404 where there is none, else as ``Documents.put``.
        """

        def edit(current: Document[Any] | None) -> Body:
            found = self._fingerprint(current, offer_id)
            if found is None:
                raise RefusalError(404, "offer_not_found", f"There is no offer {offer_id!r}.")
            match.check(found)
            raw = dict(current.body) if current is not None else {}
            raw["offers"] = [each for each in raw.get("offers", []) if each["offer_id"] != offer_id]
            imported = self.documents.watch.listed.imported
            if imported is not None and offer_id in imported.offer:
                raw["withdrawn"] = [*raw.get("withdrawn", []), offer_id]
            return raw

        return self.documents.change(Name.OFFERS, edit, by)

    def _understood_offer(self, body: Body, place: int) -> None:
        """Flaws are told as of the offer alone, which stands at ``place``."""
        try:
            self.documents.understood(Name.OFFERS, body)
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
        listed = imagined(self.documents.watch.listed, offers, None)
        if listed.catalogue is None:
            raise RefusalError(
                503, "not_ready", " ".join(each.sentence for each in self.documents.watch.current.shortfalls)
            )
        return listed.catalogue
