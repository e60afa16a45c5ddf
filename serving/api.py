"""What goes over the wire: the request and the answer, with units, meanings and examples. OpenAPI derives from this."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from features.domain import MAX_ID_LENGTH
from features.instant import parse_instant
from serving import examples

MOST_ITEMS = 100


def _instant(text: str) -> str:
    parse_instant(text)
    return text


Id = Annotated[str, Field(min_length=1, max_length=MAX_ID_LENGTH)]
Rfc3339 = Annotated[str, AfterValidator(_instant), Field(json_schema_extra={"format": "date-time"})]
Probability = Annotated[float, Field(ge=0, le=1)]

MOST_PLACEMENTS = 50


class _Wire(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class NameGiven(_Wire):
    """A name under which a customer comes."""

    namespace: Annotated[str, Field(min_length=1, max_length=64)]
    value: Annotated[str, Field(min_length=1, max_length=512)]


class Placement(_Wire):
    """Room for one offer, such as the top of a page."""

    placement: Id
    channel: Id


class Bounds(_Wire):
    """What is asked, and within which bounds."""

    kind: Id | None = Field(
        None,
        description="Kind of offer to rank. Absent: the first kind of the catalogue with an offer that may be made.",
    )
    channels: list[Id] | None = Field(
        None,
        min_length=1,
        max_length=64,
        description="Channels to use. Absent: all but inbound ones; name those on which the customer is present.",
    )
    placements: list[Placement] | None = Field(
        None,
        min_length=1,
        max_length=MOST_PLACEMENTS,
        description="Where there is room for an offer each, in the order in which they are to be filled. Their "
        "channels are used beside those of `channels`.",
    )
    limit: int = Field(10, ge=1, le=MOST_ITEMS, description="Most offers to return.")
    explain: Literal["none", "funnel", "contributions"] = Field(
        "none",
        description="`funnel` lists every pair of the kind that was removed or scored below silence, and why; "
        "`contributions` takes the predictions of the first ten items apart, feature by feature.",
    )
    language: Literal["en", "de"] = Field("en", description="In which reasons, rules and warnings are told.")
    seed: int | None = Field(
        None, ge=0, le=2**53, description="Seed of the draw, only with `dry_run`: the same seed draws the same."
    )
    offer_id: Id | None = Field(
        None,
        description="Decide about this offer alone. What is transactional or mandatory is made only where `offer_id` "
        "or `kind` asks for it; it competes with nothing and no cap or objection to marketing holds it back.",
    )
    contacts: int = Field(
        1,
        ge=0,
        le=10,
        description="Most messages on outbound channels to reserve; offers beyond them are alternatives.",
    )
    context: dict[str, str | float | bool] | None = Field(
        None, max_length=50, description="What conditions of the policy may read as `context.…`, such as the weather."
    )
    at: Rfc3339 | None = Field(None, description="Instant to decide as of; allowed only under the simulated clock.")


class PersonaRequest(Bounds):
    """What to decide for a persona; nothing of it has any consequence."""


class DecisionRequest(Bounds):
    """For whom to decide, and within which bounds."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.SHORTEST_REQUEST, examples.REQUEST]})

    customer_id: Id | None = Field(
        None, description="The customer; one that is unknown gets a cold-start answer. Absent only with `identities`."
    )
    identities: list[NameGiven] | None = Field(
        None, min_length=1, max_length=10, description="Other names of the customer, such as a device or a telephone."
    )
    events: list[dict[str, Any]] | None = Field(
        None,
        max_length=100,
        description="What just happened, as for `/v1/events`; it counts for this decision and is recorded once. "
        "Events that name nobody are the customer's own.",
    )
    dry_run: bool = Field(False, description="Decide without recording anything.")


class Version(_Wire):
    """What runs here."""

    service: str
    source: str | None
    model: str | None
    schema_: str = Field(alias="schema")
    catalogue: str | None
    clock: str
    now: Rfc3339


class ClockSetting(_Wire):
    """The instant that counts as now, under the simulated clock."""

    now: Rfc3339


class Health(_Wire):
    """All is well."""

    status: Literal["live", "ready"]
