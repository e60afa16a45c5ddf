"""What goes over the wire about contacts and follow-ups. OpenAPI derives from this."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta
from pydantic import BaseModel, ConfigDict, Field

from serving.answer_api import Answer
from serving.over_the_wire import Wire


class _Wire(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class ContactAnswer(_Wire):
    """A contact as it stands now."""

    contact_id: str
    standing: Literal["reserved", "confirmed", "sent", "released", "expired", "displaced", "overdrawn"]
    channel: str
    moment: str = Field(description="When it is to go out, RFC 3339.")
    offers: list[str]
    confirm_before: str | None = Field(description="Until when it must be confirmed; null where that is settled.")


class Overdraft(_Wire):
    """A message that went out without a valid reservation, and counts as it happened."""

    contact_id: str
    customer_id: str
    channel: str
    sent_at: str
    offers: list[str]
    decision_id: str | None


class Overdrafts(_Wire):
    """In the order in which they were learnt."""

    overdrafts: list[Overdraft]
    cursor: str | None = Field(description="Send it as `cursor` for what is learnt later.")


class FollowUpAnswer(Wire):
    """A follow-up with what was decided."""

    contact_id: Annotated[str, Meta(description="The contact that it follows.")]
    customer_id: str
    offer_id: str
    channel: str
    due_at: str
    decision: Annotated[
        Answer | None,
        Meta(
            description="A decision like any other: confirm its contact before sending. Null where it is not due yet."
        ),
    ]


class FollowUps(Wire):
    """In the order in which they fall due."""

    follow_ups: list[FollowUpAnswer]
    cursor: Annotated[str | None, Meta(description="Send it as `cursor` for the next ones; null at the end.")]
