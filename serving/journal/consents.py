"""Statements of customers about what they allow: only added; the latest holds."""

from __future__ import annotations

from sqlalchemy import Connection, func, insert, select

from features.domain import CustomerId, Instant
from serving.consent import Consent, Topic, most_restrictive
from serving.journal.audit import Cause
from serving.journal.schema import CONSENTS


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


def merge_consents(connection: Connection, goes: CustomerId, stays: CustomerId, cause: Cause) -> None:
    """State for ``stays`` whatever of the most restrictive of both it has not stated itself."""
    ours = consents_of(connection, stays)
    for topic, consent in most_restrictive(ours, consents_of(connection, goes)).items():
        if ours.get(topic) is not consent:
            source = f"{consent.source}, {cause.reason}"[:256]
            stated = Consent(consent.purpose, consent.granted, consent.at, source, consent.channel, consent.proof)
            state_consent(connection, stays, stated)
