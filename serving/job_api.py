"""What goes over the wire about jobs. OpenAPI derives from this."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from serving.api import Id, Probability, Rfc3339

MOST_IDS = 20_000
"""More come as a file: a body has at most 1 MB."""
FILE_NAME = r"^\w[\w.-]{0,120}\.(csv|ndjson|parquet)$"


class _Wire(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Audience(_Wire):
    """For whom to decide: exactly one of these."""

    customer_ids: list[str] | None = Field(None, min_length=1, max_length=MOST_IDS)
    file: str | None = Field(
        None,
        pattern=FILE_NAME,
        description="Name of a file in the service's folder of audiences, with a column `customer_id`.",
    )
    where: str | None = Field(
        None,
        min_length=1,
        max_length=1_000,
        description="Condition on `profile.…` and `feature.…` of the customers who are known; `True` means everybody.",
    )

    @model_validator(mode="after")
    def _exactly_one(self) -> Audience:
        if sum(each is not None for each in (self.customer_ids, self.file, self.where)) != 1:
            raise ValueError("name exactly one of customer_ids, file and where")
        return self


EXAMPLE: dict[str, Any] = {
    "audience": {"where": "feature.customer_purchases_30d > 1 and profile.age_years >= 18"},
    "kind": "coupon",
    "capacities": {"direct_mail": 500},
    "format": "csv",
}


class JobRequest(_Wire):
    """For whom to decide, within which bounds, and how the results are to be written."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})

    audience: Audience
    kind: Id | None = Field(None, description="As for one decision.")
    offer_id: Id | None = Field(None, description="As for one decision.")
    channels: list[Id] | None = Field(None, min_length=1, max_length=64, description="As for one decision.")
    limit: int = Field(1, ge=1, le=100, description="Most offers for one customer.")
    contacts: int = Field(1, ge=0, le=10, description="Most messages to one customer.")
    context: dict[str, str | float | bool] | None = Field(None, max_length=50)
    capacities: dict[str, Annotated[int, Field(ge=0)]] | None = Field(
        None,
        max_length=64,
        description="Most contacts by channel that this job may make, beside what the policy allows.",
    )
    follow_ups: bool = Field(True, description="Decide the reminders that are due, too, whoever they are for.")
    format: Literal["parquet", "csv", "ndjson"] = "parquet"


class JobFile(_Wire):
    """One file of a job; `GET /v1/jobs/{job_id}/files/{name}` fetches it."""

    name: str
    rows: int
    bytes: int
    sha256: str


class Scarcity(_Wire):
    """How what is scarce was divided."""

    prices: dict[str, float] = Field(
        description="Minor units per unit of each stock, capacity and budget that is not enough for all."
    )
    gap: Probability = Field(
        description="How far the division at these prices may be from the best possible one, as a share of it."
    )


class Job(_Wire):
    """A job, and how far it has come."""

    job_id: str
    stage: Literal["waiting", "reading", "scoring", "deciding", "writing", "done", "failed"]
    state: Literal["starting", "running", "done", "failed"] = Field(
        description="`failed` with a stage before `done` or `failed`: its process has died, resume it."
    )
    asked_at: Rfc3339
    begun_at: Rfc3339 | None
    ended_at: Rfc3339 | None
    customers: int = Field(description="In the audience, without the rows that are wrong.")
    scored: int = Field(description="Of these, as far as something is scarce and has to be divided.")
    decided: int
    offered: int = Field(description="Decided with something to offer; silence won for the others.")
    follow_ups: int
    errors: int = Field(description="Rows that could not be decided; `errors.ndjson` says why.")
    restarts: int
    why: str | None = Field(description="Why it failed.")
    scarcity: Scarcity | None
    files: list[JobFile]
