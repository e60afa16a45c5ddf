"""The routes of single offers and of the catalogue that they make up."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response

from features.domain import Offer, OfferId
from serving import document_api as api
from serving.call import Key, refusal, told
from serving.document_call import CHANGE, PAGE, REFUSALS, Cursor, IfMatch, IfNoneMatch, body_of, given, taking
from serving.documents import Documents, Match, parsed
from serving.door import Door
from serving.errand import errand
from serving.journal.keys import Scope
from serving.offers import Offers
from serving.policy.document import Body, Document
from serving.policy.form import write


def add_offers(router: APIRouter, offers: Offers, door: Door) -> None:
    """Those of one offer."""
    where = "/v1/offers/{offer_id}"
    answered = given("The offer; its version is the ETag.")

    def answer(found: tuple[Offer, str]) -> Response:
        return body_of(write(found[0]), found[1])

    @router.get(where, response_class=Response, responses={**answered, 404: refusal("There is none."), **REFUSALS})
    async def offer(offer_id: str, authorization: Key = None) -> Response:
        """An offer in force, imported or put."""
        return answer(await errand(door, authorization, Scope.READ, lambda _: offers.read(offer_id)))

    @router.put(where, response_class=Response, responses={**answered, **CHANGE}, openapi_extra=taking("offer"))
    async def put_offer(
        offer_id: str,
        request: Request,
        authorization: Key = None,
        if_match: IfMatch = None,
        if_none_match: IfNoneMatch = None,
    ) -> Response:
        """Make an offer, or replace one; an imported offer is replaced by its own version in the document of offers."""
        text = await request.body()

        def work(by: str) -> tuple[Offer, str]:
            body: Body = parsed("offer", text)
            return offers.put(offer_id, body, Match(if_match, if_none_match), by)

        return answer(await errand(door, authorization, Scope.ADMIN, work))

    left = given("The document of offers; its version is the ETag.")

    @router.delete(where, response_class=Response, responses={**left, **CHANGE})
    async def delete_offer(offer_id: str, authorization: Key = None, if_match: IfMatch = None) -> Response:
        """Make an offer no more; an imported one is withdrawn, and comes back when it is put again."""
        match = Match(if_match)

        def work(by: str) -> Document[Any]:
            return offers.remove(offer_id, match, by)

        document = await errand(door, authorization, Scope.ADMIN, work)
        return body_of(document.body, document.fingerprint)


def add_catalogue(router: APIRouter, documents: Documents, door: Door) -> None:
    """That of everything in force."""

    @router.get(
        "/v1/catalogue",
        response_class=Response,
        responses={200: {"model": api.Catalogue, "description": "A page of it."}, **REFUSALS},
    )
    async def catalogue(cursor: Cursor = None, authorization: Key = None) -> Response:
        """Every offer and channel in force, by offer id."""
        return told(await errand(door, authorization, Scope.READ, lambda _: _page(documents, cursor)))


def _page(documents: Documents, cursor: str | None) -> api.Catalogue:
    found = documents.watch.current.catalogue
    rest = sorted(offer_id for offer_id in found.offer if cursor is None or offer_id > cursor)
    return api.Catalogue(
        source=found.source,
        currency=found.currency,
        fingerprint=found.fingerprint,
        channels=[write(channel) for channel in found.channels],
        offers=[write(found.offer[OfferId(offer_id)]) for offer_id in rest[:PAGE]],
        cursor=rest[PAGE - 1] if len(rest) > PAGE else None,
    )
