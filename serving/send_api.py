"""What goes over the wire to senders of e-mails. OpenAPI derives from this."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from serving.api import Rfc3339

MOST_ITEMS = 10
EXAMPLE: dict[str, Any] = {
    "campaign": "autumn",
    "send": "2017-11-15",
    "channel": "email",
    "title": "Cheese of the week",
    "body": "Cheese for 2.49 USD, until 30 November.",
    "price": "2.49 USD",
    "terms": "One per household.",
    "neutral": False,
    "items": [
        {
            "offer_id": "coupon-19-cheese",
            "name": "Cheese",
            "category": "cheese",
            "title": "Cheese of the week",
            "body": "Cheese for 2.49 USD, until 30 November.",
            "price": "2.49 USD",
            "terms": "One per household.",
            "probability": 0.83,
        }
    ],
    "decision_id": "015fbe1c-0400-7c64-9d3b-1a2b3c4d5e6f",
    "contact_id": "015fbe1c-0400-7c64-9d3b-1a2b3c4d5e6f-1",
    "fallback": False,
    "fallback_reasons": [],
    "recorded": True,
    "decided_at": "2017-11-15T05:00:00Z",
}


class _Wire(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class SendItem(_Wire):
    """One offer of the message."""

    offer_id: str
    name: str
    category: str
    title: str
    body: str
    price: str | None
    terms: str
    probability: float = Field(gt=0, le=1, description="With which it was chosen for this place.")


class SendAnswer(_Wire):
    """What to put into the message. ``title``, ``body``, ``price`` and ``terms`` are always there to be put in."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})

    campaign: str
    send: str
    channel: str
    title: str = Field(description="Of the first offer, or the policy's neutral title.")
    body: str = Field(description="Of the first offer, or the policy's neutral body.")
    price: str | None
    terms: str
    neutral: bool = Field(description="True where nothing is offered: title and body are then the policy's.")
    items: list[SendItem] = Field(description="Every offer of the message, best first; empty where it is neutral.")
    decision_id: str | None = Field(description="Null where nothing was decided; outcomes refer to it.")
    contact_id: str | None = Field(
        description="The contact that the message is. It is confirmed, as the message is being sent: release it if not."
    )
    fallback: bool = Field(description="Something was missing, or what was decided holds no longer.")
    fallback_reasons: list[str]
    recorded: bool = Field(description="False: nothing is remembered of this answer.")
    decided_at: Rfc3339 | None
