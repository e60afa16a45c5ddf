"""What goes over the wire beside decisions: events, outcomes, customers, consents. OpenAPI derives from this."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta
from pydantic import BaseModel, ConfigDict, Field

from features.domain import MAX_ID_LENGTH
from serving.answer_api import OpenTopic
from serving.api import NameGiven
from serving.over_the_wire import Wire

Id = Annotated[str, Field(min_length=1, max_length=MAX_ID_LENGTH)]
MOST_OUTCOMES = 100


class _Wire(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class ItemAnswer(_Wire):
    """What became of one item."""

    status: Literal["accepted", "duplicate", "refused"]
    source: str | None
    event_id: str | None
    customer_id: str | None = Field(description="Whom it meant; null where it was refused.")
    code: str | None = Field(description="A word for machines that says why it was refused.")
    why: str | None = Field(description="The same for people, with the remedy.")
    notes: list[str] = Field(description="What else was done or left undone, such as joining two customers.")


class EventsAnswer(_Wire):
    """An answer per item, in their order. What is accepted is durable and in the customer's features."""

    accepted: int
    duplicates: int
    refused: int
    items: list[ItemAnswer]


class Lookup(_Wire):
    """Whom to look up. In the body, so that no number or address stands in a URL."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"namespace": "phone", "value": "+49 171 1234567"}]})

    namespace: Annotated[str, Field(min_length=1, max_length=64)]
    value: Annotated[str, Field(min_length=1, max_length=512)]


class Outcome(_Wire):
    """One thing that came of a decision."""

    kind: Id = Field(description="The word of an event: viewed, clicked, redeemed, purchased, dismissed …")
    offer_id: Id | None = Field(None, description="The item; absent: the first one of the decision.")
    occurred_at: str | None = Field(None, description="RFC 3339; absent: now.")
    value_minor: int | None = Field(None, ge=0)
    event_id: Id | None = Field(None, description="Absent: made from the rest, so that the same outcome counts once.")


class Outcomes(_Wire):
    """What came of a decision."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"outcomes": [{"kind": "clicked", "occurred_at": "2017-11-15T06:00:00Z"}]}]}
    )

    outcomes: list[Outcome] = Field(min_length=1, max_length=MOST_OUTCOMES)


class ConsentStatement(_Wire):
    """What a customer allowed, withdrew, or objected to."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"purpose": "email_marketing", "granted": False, "source": "preference centre"}]
        }
    )

    purpose: Id = Field(description="`profiling` and `marketing` are objections; others as the channels name them.")
    granted: bool
    channel: Id | None = Field(None, description="Absent: every channel.")
    source: Id = Field(description="Where the statement was made.")
    proof: Annotated[str, Field(max_length=1_000)] | None = None


class ConsentHeld(Wire):
    """The statement that holds."""

    purpose: str
    channel: str | None
    granted: bool
    at: str
    source: str


class Split(_Wire):
    """Names that belong to somebody else."""

    names: list[NameGiven] = Field(min_length=1, max_length=100)
    reason: Annotated[str, Field(min_length=1, max_length=200)]


class SplitAnswer(_Wire):
    """Whose the names are now."""

    customer_id: str


class TimelineEntry(Wire):
    """One thing that happened."""

    kind: str
    channel: str
    occurred_at: str
    offer_id: str | None
    category: str | None
    value_minor: int | None
    decision_id: str | None
    machine: Annotated[bool, Meta(description="True for what a machine did in the customer's name; it does not count.")]


class OfferMade(Wire):
    """One of the latest decisions and what came of it."""

    decision_id: str
    decided_at: str
    offer_id: str | None
    name: str | None
    channel: str | None
    outcomes: list[str]


class StageHeld(Wire):
    """Where the customer stands in the buying cycle of one category; cycles run side by side and may go back."""

    category: str
    stage: Annotated[str, Meta(description="The likeliest: idle, curious or deciding.")]
    probabilities: dict[str, float]


class CustomerPage(Wire):
    """A customer for somebody who talks to customers."""

    customer_id: str
    name: Annotated[
        str | None, Meta(description="What the customer is called, as the latest `identify` said in `traits.name`.")
    ]
    names: Annotated[dict[str, int], Meta(description="How many names of each namespace are known.")]
    last_order: TimelineEntry | None
    open_topics: list[OpenTopic]
    stages: list[StageHeld]
    last_contacts: list[TimelineEntry]
    last_offers: list[OfferMade]
    next_best_offer: Annotated[
        dict[str, Any] | None, Meta(description="The first item of a decision made for this page only.")
    ]
    preferred_channel: str | None
    consents: list[ConsentHeld]
    timeline: list[TimelineEntry]
    cursor: Annotated[str | None, Meta(description="Send it as `cursor` for what happened before; null at the end.")]


class Erasure(_Wire):
    """What went."""

    tombstone: str
    events: int
    decisions: int
