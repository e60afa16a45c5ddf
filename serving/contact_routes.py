"""The routes of contacts and follow-ups."""

from __future__ import annotations

from fastapi import APIRouter, Response

from features.errors import InstantError
from features.instant import parse_instant
from serving.call import NO_KEY, Key, Refusals, refusal, success, told
from serving.contact_api import ContactAnswer, FollowUps, Overdrafts
from serving.door import Door
from serving.follow_ups import FollowUpDesk
from serving.journal.keys import Scope
from serving.outreach import Outreach
from serving.problem import Fault, RefusalError

_CONTACT: Refusals = {
    200: {"model": ContactAnswer, "description": "The contact as it stands now."},
    404: refusal("There is no such contact."),
    422: refusal("The request is not what this call takes."),
    **NO_KEY,
}


def routes(outreach: Outreach, follow_ups: FollowUpDesk, door: Door) -> APIRouter:
    """The routes, to be included by the app. Plain functions: they run in threads, beside the event loop."""
    router = APIRouter(tags=["contacts"])

    @router.post(
        "/v1/contacts/{contact_id}/confirm",
        response_class=Response,
        responses={
            409: refusal("The message may not go out: expired, displaced, or offer or consent gone."),
            **_CONTACT,
        },
    )
    def confirm(contact_id: str, authorization: Key = None) -> Response:
        """Ask, before sending, whether the message may go out; asked again, the answer is the same."""
        door.admit(authorization, Scope.DECIDE)
        return told(outreach.confirm(contact_id))

    @router.post(
        "/v1/contacts/{contact_id}/release",
        response_class=Response,
        responses={409: refusal("The message went out."), **_CONTACT},
    )
    def release(contact_id: str, authorization: Key = None) -> Response:
        """Give a contact back that will not be used."""
        door.admit(authorization, Scope.DECIDE)
        return told(outreach.release(contact_id))

    @router.get(
        "/v1/contacts/overdrawn",
        response_class=Response,
        responses={
            200: {"model": Overdrafts, "description": "At most 100."},
            422: refusal("The cursor is none."),
            **NO_KEY,
        },
    )
    def overdrawn(cursor: str | None = None, authorization: Key = None) -> Response:
        """Messages that went out without a valid reservation."""
        door.admit(authorization, Scope.READ)
        return told(outreach.overdrawn(cursor))

    @router.get(
        "/v1/followups",
        response_class=Response,
        responses={
            200: success(FollowUps, "At most 100, with their decisions."),
            422: refusal("The instant or the cursor is none."),
            **NO_KEY,
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
        return told(follow_ups.hand_out(until, cursor))

    return router
