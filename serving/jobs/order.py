"""What a job is asked to do, as one JSON document that is written once."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import blake2b
from typing import Any, NewType

from features.domain import ChannelName, CustomerId, DecisionId, Instant, OfferId
from serving.identifier import RANDOM_BYTES, uuid7

JobId = NewType("JobId", str)
"""UUIDv7."""


class Format(StrEnum):
    """What the results are written as."""

    PARQUET = "parquet"
    CSV = "csv"
    NDJSON = "ndjson"


@dataclass(frozen=True, slots=True)
class Audience:
    """For whom to decide. At most one is set; with none, everybody who is known."""

    customer_ids: tuple[str, ...] | None = None
    file: str | None = None
    """A table with a column ``customer_id``, told by its ending: ``.csv``, ``.ndjson`` or ``.parquet``."""
    where: str | None = None
    """A condition on profile and features of the customer that must hold."""


@dataclass(frozen=True, slots=True)
class Order:
    """What a job is asked to do."""

    job_id: JobId
    at: Instant
    """When it was asked for; under a simulated clock, the instant as of which it decides."""
    by: str
    """Who asked."""
    audience: Audience
    kind: str | None = None
    offer_id: OfferId | None = None
    channels: tuple[ChannelName, ...] | None = None
    limit: int = 1
    contacts: int = 1
    context: Mapping[str, str | float | bool] = field(default_factory=dict)
    capacities: Mapping[ChannelName, int] = field(default_factory=dict)
    """Most contacts that this job makes by channel, beside what the policy allows."""
    follow_ups: bool = True
    """Decides the reminders that are due, too."""
    format: Format = Format.PARQUET
    once: str | None = None
    """Digest of the caller and the key under which it was asked for: asked for again, it is this job."""

    def to_json(self) -> str:
        """The document; ``from_json`` reads it back unchanged."""
        return json.dumps(dataclasses.asdict(self), indent=1, sort_keys=True)

    @staticmethod
    def from_json(text: str) -> Order:
        """The order that ``to_json`` wrote."""
        raw: dict[str, Any] = json.loads(text)
        asked = raw["audience"]
        ids = asked["customer_ids"]
        return Order(
            **{
                **raw,
                "audience": Audience(**{**asked, "customer_ids": None if ids is None else tuple(ids)}),
                "channels": None if raw["channels"] is None else tuple(raw["channels"]),
                "format": Format(raw["format"]),
            }
        )


def decision_id(order: Order, customer_id: CustomerId) -> DecisionId:
    """The id under which a job decides for a customer."""
    digest = blake2b(f"{order.job_id}\x1f{customer_id}".encode(), digest_size=RANDOM_BYTES).digest()
    return uuid7(order.at, digest)
