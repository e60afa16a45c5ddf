"""What goes over the wire of documents beside the documents themselves, whose form is their own JSON schema."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class _Wire(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class VersionTold(_Wire):
    """A version of a document that came into force."""

    fingerprint: str
    at: str = Field(description="RFC 3339.")
    by: str = Field(description="The key's name; `file` where the file was edited by hand.")
    body: dict[str, Any]


class History(_Wire):
    """Versions, newest first."""

    versions: list[VersionTold]
    cursor: str | None = Field(description="For the versions before these; null at the first one.")


class Catalogue(_Wire):
    """What may be offered and where, as it is in force: imported, with the document of offers laid over it."""

    source: str
    currency: str = Field(description="ISO 4217.")
    fingerprint: str = Field(description="As `versions.catalogue` of decisions.")
    channels: list[dict[str, Any]]
    offers: list[dict[str, Any]] = Field(description="At most 100; in the form of `/v1/schemas/offer`.")
    cursor: str | None = Field(description="For the offers after these; null at the last one.")


class Choice(_Wire):
    """What is decided for one customer."""

    offer_id: str | None = Field(description="The best offer; null where silence wins.")
    channel: str | None
    score_minor: float | None = Field(description="Minor units of the catalogue's currency.")


class Compared(_Wire):
    """One customer before and after."""

    customer_id: str
    before: Choice
    after: Choice


class RuleChange(_Wire):
    """How many pairs of offer and channel one rule removes, over all sampled customers."""

    rule: str
    before: int
    after: int


class Preview(_Wire):
    """What a document would change. Nothing has come into force, been reserved or recorded."""

    fingerprint: str = Field(description="Of the document, were it in force.")
    offers_before: int
    offers_after: int
    pairs_before: int = Field(description="Pairs of offer and channel in the catalogue.")
    pairs_after: int
    customers: int = Field(description="Known customers that were decided for, with both.")
    reached_before: int = Field(description="Of them, those with an offer better than silence.")
    reached_after: int
    value_before_minor: float = Field(description="Sum of the best scores above silence.")
    value_after_minor: float
    rules: list[RuleChange]
    changed: list[Compared] = Field(description="Customers for whom the first choice differs; at most 100.")
    warnings: list[str]
