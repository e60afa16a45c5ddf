"""The route of senders of e-mails."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Response

from features.domain import MAX_ID_LENGTH, ChannelName
from serving.door import Door
from serving.journal.keys import Scope
from serving.journal.sends import Sending
from serving.live_routes import Key
from serving.problem import Problem
from serving.send_api import MOST_ITEMS, SendAnswer
from serving.sends import Sends, Wish

FRESH_S = 60
"""Seconds for which a cache may give the answer: as long, an offer or a consent may have gone without its noticing."""
Word = Annotated[str, Query(min_length=1, max_length=MAX_ID_LENGTH)]


def _problem(description: str) -> dict[str, Any]:
    return {"description": description, "model": Problem}


def send_routes(sends: Sends, door: Door) -> APIRouter:
    """The routes, to be included by the app. Its handler of RefusalError gives problems their form."""
    router = APIRouter(tags=["senders"])

    @router.get(
        "/v1/customers/{customer_id}/offers",
        response_class=Response,
        responses={
            200: {"model": SendAnswer, "description": "What to put into the message, whatever may be missing."},
            401: _problem("No key, or one that is unknown or revoked."),
            403: _problem("The key lacks the scope."),
            422: _problem("An address that is not well-formed."),
            503: _problem("Keys cannot be checked without the journal."),
        },
    )
    def offers(
        customer_id: Annotated[str, Path(min_length=1, max_length=MAX_ID_LENGTH)],
        campaign: Word,
        send: Word,
        channel: Word = "email",
        kind: Annotated[str | None, Query(min_length=1, max_length=MAX_ID_LENGTH)] = None,
        limit: Annotated[int, Query(ge=1, le=MOST_ITEMS)] = 1,
        language: Literal["en", "de"] = "en",
        authorization: Key = None,
    ) -> Response:
        """Offers for one message that is being sent. Asked again for the same send: the same answer, one contact."""
        door.admit(authorization, Scope.DECIDE)
        wish = Wish(customer_id, Sending(campaign, send, ChannelName(channel)), kind, limit, language)
        found = sends.answer(wish)
        kept = f"private, max-age={FRESH_S}" if found.recorded else "no-store"
        headers = {"Cache-Control": kept, "Vary": "Authorization"}
        return Response(found.model_dump_json(), media_type="application/json", headers=headers)

    return router
