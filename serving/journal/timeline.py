"""What happened to one customer, newest first, a page at a time; and everything that is held of one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, Select, select

from features.domain import CustomerId, DecisionId, Instant
from serving.journal.audit import lines
from serving.journal.consents import consents_of
from serving.journal.contact_story import contacts_told
from serving.journal.packed_record import answered
from serving.journal.past import IDENTIFIED
from serving.journal.schema import CONSENTS, DECISIONS, EVENTS, IDENTITIES

MOST_NAME = 200
"""Characters of a name that are shown."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One event of a timeline."""

    position: int
    source: str
    event_id: str
    kind: str
    channel: str
    occurred_at: Instant
    received_at: Instant
    offer_id: str | None
    category: str | None
    value_minor: int | None
    decision_id: DecisionId | None
    machine: bool


def timeline(connection: Connection, customer_id: CustomerId, before: int | None, most: int) -> list[Entry]:
    """The customer's latest events by the time they were learnt, those below position ``before`` only."""
    rows = _events(customer_id).order_by(EVENTS.c.position.desc()).limit(most)
    if before is not None:
        rows = rows.where(EVENTS.c.position < before)
    return [entry(row) for row in connection.execute(rows)]


def _events(customer_id: CustomerId) -> Select[Any]:
    joined = EVENTS.join(IDENTITIES, EVENTS.c.identity_id == IDENTITIES.c.identity_id)
    return select(EVENTS).select_from(joined).where(IDENTITIES.c.customer_id == customer_id)


def entry(row: Row[Any]) -> Entry:
    """The entry of a row of events."""
    return Entry(
        row.position,
        row.source,
        row.event_id,
        row.kind,
        row.channel,
        Instant(row.occurred_us),
        Instant(row.received_us),
        row.offer_id,
        row.category,
        row.value_minor,
        None if row.decision_id is None else DecisionId(row.decision_id),
        row.machine,
    )


def called(connection: Connection, customer_id: CustomerId) -> str | None:
    """What the customer is called, as the latest statement about them says; None where none does."""
    rows = (
        select(EVENTS.c.extra)
        .select_from(EVENTS.join(IDENTITIES, EVENTS.c.identity_id == IDENTITIES.c.identity_id))
        .where(IDENTITIES.c.customer_id == customer_id, EVENTS.c.kind == IDENTIFIED, EVENTS.c.extra.is_not(None))
        .order_by(EVENTS.c.occurred_us.desc(), EVENTS.c.position.desc())
    )
    stated = (_name_in(json.loads(extra)) for extra in connection.execute(rows).scalars())
    return next((name for name in stated if name is not None), None)


def _name_in(extra: Mapping[str, object]) -> str | None:
    """The name among the traits of a statement, whole or of two parts."""
    traits = extra.get("traits")
    told = traits if isinstance(traits, dict) else {}
    whole = told.get("name")
    parts = [whole] if whole else [told.get("firstName"), told.get("lastName")]
    return " ".join(part for part in parts if isinstance(part, str) and part)[:MOST_NAME] or None


def names_of(connection: Connection, customer_id: CustomerId) -> list[dict[str, object]]:
    """The customer's names: namespace, value, since when."""
    rows = select(IDENTITIES).where(IDENTITIES.c.customer_id == customer_id).order_by(IDENTITIES.c.identity_id)
    return [
        {"namespace": row.namespace, "value": row.value, "raw": row.raw, "known_us": row.known_us}
        for row in connection.execute(rows)
    ]


def recent_decisions(connection: Connection, customer_id: CustomerId, most: int) -> list[tuple[DecisionId, str]]:
    """Id and answer (JSON) of the customer's latest decisions, newest first."""
    rows = select(DECISIONS.c.decision_id, DECISIONS.c.answer, DECISIONS.c.packed).where(
        DECISIONS.c.customer_id == customer_id
    )
    found = connection.execute(rows.order_by(DECISIONS.c.at_us.desc()).limit(most))
    return [(DecisionId(row.decision_id), answered(row)) for row in found]


def everything(connection: Connection, customer_id: CustomerId) -> dict[str, object]:
    """All that the journal holds of a customer, as JSON values; instants in microseconds UTC."""
    decisions = select(DECISIONS).where(DECISIONS.c.customer_id == customer_id).order_by(DECISIONS.c.at_us)
    stated = select(CONSENTS).where(CONSENTS.c.customer_id == customer_id).order_by(CONSENTS.c.consent_id)
    return {
        "customer_id": customer_id,
        "names": names_of(connection, customer_id),
        "events": [_plain(row) for row in connection.execute(_events(customer_id).order_by(EVENTS.c.position))],
        "decisions": [
            {
                "decision_id": row.decision_id,
                "at_us": row.at_us,
                "request": json.loads(row.request),
                "answer": json.loads(answered(row)),
            }
            for row in connection.execute(decisions)
        ],
        "contacts": contacts_told(connection, customer_id),
        "consents": [dict(row._mapping) for row in connection.execute(stated)],
        "consents_in_force": [
            {"purpose": purpose, "channel": channel, "granted": consent.granted}
            for (purpose, channel), consent in consents_of(connection, customer_id).items()
        ],
        "audit": [
            {"at_us": line.at, "by": line.by, "action": line.action, "detail": dict(line.detail)}
            for line in lines(connection, customer_id)
        ],
    }


def _plain(row: Row[Any]) -> dict[str, object]:
    found = dict(row._mapping)
    found["extra"] = None if row.extra is None else json.loads(row.extra)
    return found
