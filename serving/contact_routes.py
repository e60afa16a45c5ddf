"""The routes of contacts and follow-ups."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Response
from pydantic import BaseModel

from features.errors import InstantError
from features.instant import parse_instant
from serving.contact_api import ContactAnswer, FollowUps, Overdrafts
from serving.door import Door
from serving.follow_ups import FollowUpDesk
from serving.journal.keys import Scope
from serving.live_routes import Key
from serving.outreach import Outreach
from serving.problem import Fault, Problem, RefusalError


def _problem(description: str) -> dict[str, Any]:
    return {"description": description, "model": Problem}


_NO_KEY: dict[int | str, dict[str, Any]] = {
    401: _problem("No key, or one that is unknown or revoked."),
    403: _problem("The key lacks the scope."),
    503: _problem("The journal cannot be used."),
}
_CONTACT: dict[int | str, dict[str, Any]] = {
    200: {"model": ContactAnswer, "description": "The contact as it stands now."},
    404: _problem("There is no such contact."),
    422: _problem("The request is not what this call takes."),
    **_NO_KEY,
}


def routes(outreach: Outreach, follow_ups: FollowUpDesk, door: Door) -> APIRouter:
    """The routes, to be included by the app. Plain functions: they run in threads, beside the event loop."""
    router = APIRouter(tags=["contacts"])

    @router.post(
        "/v1/contacts/{contact_id}/confirm",
        response_class=Response,
        responses={
            409: _problem("The message may not go out: expired, displaced, or offer or consent gone."),
            **_CONTACT,
        },
    )
    def confirm(contact_id: str, authorization: Key = None) -> Response:
        """Ask, before sending, whether the message may go out; asked again, the answer is the same."""
        door.admit(authorization, Scope.DECIDE)
        return _json(outreach.confirm(contact_id))

    @router.post(
        "/v1/contacts/{contact_id}/release",
        response_class=Response,
        responses={409: _problem("The message went out."), **_CONTACT},
    )
    def release(contact_id: str, authorization: Key = None) -> Response:
        """Give a contact back that will not be used."""
        door.admit(authorization, Scope.DECIDE)
        return _json(outreach.release(contact_id))

    @router.get(
        "/v1/contacts/overdrawn",
        response_class=Response,
        responses={
            200: {"model": Overdrafts, "description": "At most 100."},
            422: _problem("The cursor is none."),
            **_NO_KEY,
        },
    )
    def overdrawn(cursor: str | None = None, authorization: Key = None) -> Response:
        """Messages that went out without a valid reservation."""
        door.admit(authorization, Scope.READ)
        return _json(outreach.overdrawn(cursor))

    @router.get(
        "/v1/followups",
        response_class=Response,
        responses={
            200: {"model": FollowUps, "description": "At most 100, with their decisions."},
            422: _problem("The instant or the cursor is none."),
            **_NO_KEY,
        },
    )
    def followups(due_before: str | None = None, cursor: str | None = None, authorization: Key = None) -> Response:
        """Follow-ups that are due, decided as of now, without those that were cancelled by what happened."""
        door.admit(authorization, Scope.DECIDE)
        try:
            until = None if due_before is None else parse_instant(due_before)
        except InstantError as error:
            detail = f"{error}.".capitalize()
            raise RefusalError(422, "wrong_instant", detail, Fault(pointer="/due_before", detail=detail)) from None
        return _json(follow_ups.hand_out(until, cursor))

    return router


def _json(answer: BaseModel) -> Response:
    return Response(answer.model_dump_json(by_alias=True), media_type="application/json")
