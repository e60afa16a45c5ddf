"""A decision that is recalled, as it goes over the wire. OpenAPI derives from this."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta

from serving.answer_api import Answer, Funnel, Versions
from serving.over_the_wire import Rfc3339, Wire


class Vector(Wire):
    """What the models saw of one offered pair; null where a value is unknown."""

    offer_id: str
    channel: str
    features: dict[str, float | None]


class KnownOutcome(Wire):
    """An event after a decision."""

    kind: str
    channel: str
    occurred_at: Rfc3339
    offer_id: str | None
    category: str | None
    value_minor: int | None
    attributed: Annotated[
        bool, Meta(description="True where it came of the decision: inside the window of an offer it made.")
    ]
    why: str


class ContactNow(Wire):
    """A contact that the decision reserved, as it stands now."""

    contact_id: str
    channel: str
    moment: Rfc3339
    standing: str


class RecordedDecision(Wire):
    """A decision as it was answered."""

    decision_id: str
    intact: Annotated[bool, Meta(description="False: the record is not what was kept; somebody changed it.")]
    request: dict[str, Any]
    answer: Answer
    rests_on: Annotated[
        dict[str, Any] | None,
        Meta(
            description="Everything outside the versions: what was asked and known, the ledger, the draw, prices,"
            " what was missing; instants in microseconds UTC. Null for decisions of older builds."
        ),
    ]
    vectors: Annotated[list[Vector], Meta(description="One per item.")]
    contacts: list[ContactNow]
    outcomes: Annotated[
        list[KnownOutcome], Meta(description="What is known by now to have happened after it, oldest first.")
    ]


class Replayed(Wire):
    """A past decision made again from its record and the versions kept, and held against it."""

    decision_id: str
    identical: Annotated[
        bool, Meta(description="The same choice, reasons and funnel, numbers to 1e-9, from an intact record.")
    ]
    intact: Annotated[bool, Meta(description="False: the record is not what was kept; somebody changed it.")]
    differences: Annotated[list[str], Meta(description="Where it came out otherwise, as paths with both values.")]
    versions: Versions
    funnel: Annotated[
        Funnel | None, Meta(description="What became of every pair of the kind; null for an unreadable record.")
    ]
