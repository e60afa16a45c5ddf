"""Statements of customers about what they allow: only added; the latest holds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select

from features.domain import CustomerId, Instant
from serving.consent import Consent, Topic, most_restrictive
from serving.journal.audit import Cause
from serving.journal.schema import CONSENTS
from serving.journal.written import Written

STATED = Written(
    select(*(CONSENTS.c[name] for name in ("purpose", "channel", "granted", "at_us", "source", "proof")))
    .where(CONSENTS.c.customer_id == bindparam("whose"))
    .order_by(CONSENTS.c.consent_id)
)
"""Whatever a customer ever stated, the latest last."""


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
    return in_force(STATED.rows(connection, {"whose": customer_id}))


def in_force(rows: Iterable[Sequence[Any]]) -> dict[Topic, Consent]:
    """Of the rows of STATED those that hold, by purpose and channel."""
    latest = {(row[0], row[1]): row for row in rows}
    return {
        (purpose, channel): Consent(purpose, bool(granted), Instant(at_us), source, channel, proof)
        for (purpose, channel), (_, _, granted, at_us, source, proof) in sorted(latest.items())
    }


def merge_consents(connection: Connection, goes: CustomerId, stays: CustomerId, cause: Cause) -> None:
    """State for ``stays`` whatever of the most restrictive of both it has not stated itself."""
    ours = consents_of(connection, stays)
    for topic, consent in most_restrictive(ours, consents_of(connection, goes)).items():
        if ours.get(topic) is not consent:
            source = f"{consent.source}, {cause.reason}"[:256]
            stated = Consent(consent.purpose, consent.granted, consent.at, source, consent.channel, consent.proof)
            state_consent(connection, stays, stated)
