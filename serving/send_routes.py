"""The route of senders of e-mails."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Response

from features.domain import MAX_ID_LENGTH, ChannelName
from serving.call import NO_KEY, Key, refusal, told
from serving.door import Door
from serving.journal.keys import Scope
from serving.journal.sends import Sending
from serving.send_api import MOST_ITEMS, SendAnswer
from serving.sends import Sends
from serving.wish import Wish

FRESH_S = 60
"""Seconds for which a cache may give the answer: as long, an offer or a consent may have gone without its noticing."""
Word = Annotated[str, Query(min_length=1, max_length=MAX_ID_LENGTH)]


def send_routes(sends: Sends, door: Door) -> APIRouter:
    """The routes, to be included by the app. Its handler of RefusalError gives problems their form."""
    router = APIRouter(tags=["senders"])

    @router.get(
        "/v1/customers/{customer_id}/offers",
        response_class=Response,
        responses={
            200: {"model": SendAnswer, "description": "What to put into the message, whatever may be missing."},
            422: refusal("An address that is not well-formed."),
            **NO_KEY,
            503: refusal("Keys cannot be checked without the journal."),
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
        answer = told(found)
        answer.headers.update({"Cache-Control": kept, "Vary": "Authorization"})
        return answer

    return router
