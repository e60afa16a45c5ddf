"""What customers allowed and objected to: statements that are only added; the latest holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, func, insert, select

from features.domain import CustomerId, Instant
from serving.journal.audit import Cause
from serving.journal.schema import CONSENTS

EVERY_CHANNEL = ""
PROFILING = "profiling"
"""Purpose whose refusal is the objection to profiling: decisions are then by popularity."""
MARKETING = "marketing"
"""Purpose whose refusal is the objection to marketing: nothing is offered then."""

Topic = tuple[str, str]
"""Purpose and channel; an empty channel means every channel."""


@dataclass(frozen=True, slots=True)
class Consent:
    """One statement of a customer, with where it came from and what proves it."""

    purpose: str
    granted: bool
    at: Instant
    source: str
    channel: str = EVERY_CHANNEL
    proof: str | None = None


def state_consent(connection: Connection, customer_id: CustomerId, consent: Consent) -> None:
    """Add a statement."""
    row = {
        "customer_id": customer_id,
        "purpose": consent.purpose,
        "channel": consent.channel,
        "granted": consent.granted,
        "at_us": consent.at,
        "source": consent.source,
        "proof": consent.proof,
    }
    connection.execute(insert(CONSENTS), row)


def consents_of(connection: Connection, customer_id: CustomerId) -> dict[Topic, Consent]:
    """The statement that holds for each purpose and channel on which the customer made one."""
    latest = (
        select(func.max(CONSENTS.c.consent_id))
        .where(CONSENTS.c.customer_id == customer_id)
        .group_by(CONSENTS.c.purpose, CONSENTS.c.channel)
    )
    rows = select(CONSENTS).where(CONSENTS.c.consent_id.in_(latest)).order_by(CONSENTS.c.purpose, CONSENTS.c.channel)
    return {
        (row.purpose, row.channel): Consent(
            row.purpose, row.granted, Instant(row.at_us), row.source, row.channel, row.proof
        )
        for row in connection.execute(rows)
    }


def consented(held: Mapping[Topic, Consent], purpose: str, channel: str) -> bool | None:
    """What holds for a purpose on a channel: a refusal for every channel or for this one outweighs a grant.

    None where nothing was said.
    """
    said = [held[topic].granted for topic in ((purpose, EVERY_CHANNEL), (purpose, channel)) if topic in held]
    return all(said) if said else None


def objects_to(held: Mapping[Topic, Consent], purpose: str) -> bool:
    """True where the customer has objected to the purpose: PROFILING or MARKETING."""
    return consented(held, purpose, EVERY_CHANNEL) is False


def most_restrictive(left: Mapping[Topic, Consent], right: Mapping[Topic, Consent]) -> dict[Topic, Consent]:
    """What holds for a customer made of two: on each topic the refusal where there is one, else what was said."""
    merged = dict(left)
    for topic, other in right.items():
        mine = merged.get(topic)
        if mine is None or (mine.granted and not other.granted):
            merged[topic] = other
    return merged


def merge_consents(connection: Connection, goes: CustomerId, stays: CustomerId, cause: Cause) -> None:
    """State for ``stays`` whatever of the most restrictive of both it has not stated itself."""
    ours = consents_of(connection, stays)
    for topic, consent in most_restrictive(ours, consents_of(connection, goes)).items():
        if ours.get(topic) is not consent:
            source = f"{consent.source}, {cause.reason}"[:256]
            stated = Consent(consent.purpose, consent.granted, consent.at, source, consent.channel, consent.proof)
            state_consent(connection, stays, stated)
