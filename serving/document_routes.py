"""The routes of policy, offers and personas."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from features.domain import Offer
from features.instant import format_instant
from serving import document_api as api
from serving.answer_api import Answer
from serving.api import PersonaRequest
from serving.call import Key, refusal, success, told
from serving.document_call import CHANGE, PAGE, REFUSALS, Cursor, IfMatch, IfNoneMatch, body_of, given, taking
from serving.documents import Documents, Match, parsed
from serving.door import Door
from serving.errand import errand
from serving.journal.documents import versions
from serving.journal.keys import Scope
from serving.offer_routes import add_catalogue, add_offers
from serving.offers import Offers
from serving.policy.document import CLASSES, Document, Name
from serving.policy.json_schema import json_schema
from serving.policy.persona import Persona
from serving.preview import Preview
from serving.problem import RefusalError

SCHEMAS: dict[str, type] = {**{str(name): owner for name, owner in CLASSES.items()}, "offer": Offer}
Imagine = Callable[[PersonaRequest, Persona], Answer]
"""Decides for a customer who does not exist."""


def document_routes(documents: Documents, preview: Preview, imagine: Imagine, door: Door) -> APIRouter:
    """The routes, to be included by the app. Its handler of RefusalError gives problems their form."""
    router = APIRouter(tags=["documents"])
    for name in Name:
        _add_document(router, documents, door, name)
    for name in (Name.POLICY, Name.OFFERS):
        _add_preview(router, preview, door, name)
    add_offers(router, Offers(documents), door)
    add_catalogue(router, documents, door)
    _add_schemas(router)
    _add_personas(router, documents, imagine, door)
    return router


def _add_document(router: APIRouter, documents: Documents, door: Door, name: Name) -> None:
    answered = given(f"The document of {name}; its version is the ETag.")

    def answer(document: Document[Any]) -> Response:
        return body_of(document.body, document.fingerprint)

    @router.get(f"/v1/{name}", response_class=Response, responses={**answered, **REFUSALS}, name=f"read_{name}")
    async def read(authorization: Key = None) -> Response:
        """The document in force, as it was put; its ETag is to be sent as If-Match when it is replaced."""
        return answer(await errand(door, authorization, Scope.READ, lambda _: documents.read(name)))

    @router.put(
        f"/v1/{name}",
        response_class=Response,
        responses={**answered, **CHANGE},
        openapi_extra=taking(name),
        name=f"put_{name}",
    )
    async def put(
        request: Request, authorization: Key = None, if_match: IfMatch = None, if_none_match: IfNoneMatch = None
    ) -> Response:
        """Replace the document as a whole. It is in force here at once, in other workers a moment later."""
        text = await request.body()

        def work(by: str) -> Document[Any]:
            return documents.put(name, parsed(name, text), Match(if_match, if_none_match), by)

        return answer(await errand(door, authorization, Scope.ADMIN, work))

    @router.delete(f"/v1/{name}", response_class=Response, responses={**answered, **CHANGE}, name=f"delete_{name}")
    async def remove(authorization: Key = None, if_match: IfMatch = None) -> Response:
        """Go back to the empty document, which leaves everything at its default."""

        def work(by: str) -> Document[Any]:
            return documents.remove(name, Match(if_match), by)

        return answer(await errand(door, authorization, Scope.ADMIN, work))

    @router.get(
        f"/v1/history/{name}",
        response_class=Response,
        responses={200: {"model": api.History, "description": "Versions, newest first."}, **REFUSALS},
        name=f"history_of_{name}",
    )
    async def history(cursor: Cursor = None, authorization: Key = None) -> Response:
        """Every version that was ever in force, with who brought it and when."""

        def work(_: str) -> api.History:
            if cursor is not None and not (cursor.isascii() and cursor.isdigit() and len(cursor) < 19):
                raise RefusalError(422, "wrong_cursor", "Send the cursor of the page before, or none.")
            return _history(documents, name, None if cursor is None else int(cursor))

        return told(await errand(door, authorization, Scope.READ, work))


def _history(documents: Documents, name: Name, before: int | None) -> api.History:
    with documents.journal.reading() as connection:
        found = versions(connection, name, before, PAGE + 1)
    told = [
        api.VersionTold(
            fingerprint=each.fingerprint, at=format_instant(each.at), by=each.by, body=json.loads(each.body)
        )
        for _, each in found[:PAGE]
    ]
    return api.History(versions=told, cursor=str(found[PAGE - 1][0]) if len(found) > PAGE else None)


def _add_preview(router: APIRouter, preview: Preview, door: Door, name: Name) -> None:
    @router.post(
        f"/v1/{name}/preview",
        response_class=Response,
        responses={200: {"model": api.Preview, "description": "What it would change."}, **CHANGE},
        openapi_extra=taking(name),
        name=f"preview_{name}",
    )
    async def show(
        request: Request,
        sample: Annotated[int, Query(ge=0, le=100, description="Known customers to decide for, with both.")] = 20,
        authorization: Key = None,
    ) -> Response:
        """Check a document, and try it on known customers beside what is in force. Nothing is changed or recorded."""
        text = await request.body()

        def work(_: str) -> api.Preview:
            return preview.of(name, parsed(name, text), sample)

        return told(await errand(door, authorization, Scope.ADMIN, work))


def _add_personas(router: APIRouter, documents: Documents, imagine: Imagine, door: Door) -> None:
    @router.post(
        "/v1/personas/{persona_id}/decide",
        response_class=Response,
        responses={
            200: success(Answer, "The decision, as it would be for such a customer."),
            400: refusal("The body is not JSON."),
            404: refusal("There is no such persona."),
            413: refusal("The body is larger than 1 MB."),
            415: refusal("The body is not declared as JSON."),
            **REFUSALS,
        },
    )
    async def decide(persona_id: str, request: PersonaRequest, authorization: Key = None) -> Response:
        """Decide for a persona with what is in force: nothing is reserved, recorded or counted."""

        def work(_: str) -> Answer:
            return imagine(request, documents.persona(persona_id))

        answer = await errand(door, authorization, Scope.DECIDE, work)
        return told(answer)


def _add_schemas(router: APIRouter) -> None:
    @router.get(
        "/v1/schemas/{name}",
        response_class=Response,
        responses={**given("A JSON Schema, draft 2020-12."), 404: refusal("There is none.")},
    )
    async def schema(name: str) -> Response:
        """The JSON Schema of `policy`, `offers`, `offer` or `personas`; editors may be pointed to it by `$schema`."""
        if name not in SCHEMAS:
            raise RefusalError(404, "schema_not_found", f"There is no schema {name!r}: {', '.join(SCHEMAS)}.")
        return Response(json.dumps(json_schema(SCHEMAS[name])), media_type="application/json")
