"""What happened after a decision that may have come of it."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, and_, or_, select

from features.domain import Category, ChannelName, CustomerId, DecisionId, Instant, Kind, OfferId
from serving.journal.packed_record import answered
from serving.journal.past import IDENTIFIED
from serving.journal.schema import DECISIONS, EVENTS, IDENTITIES
from serving.journal.timeline import Entry, entry


@dataclass(frozen=True, slots=True)
class Made:
    """A decision as far as outcomes join it."""

    decision_id: DecisionId
    customer_id: CustomerId
    at: Instant
    offers: tuple[tuple[OfferId, ChannelName], ...]
    """What was offered, best first."""


@dataclass(frozen=True, slots=True)
class Sought:
    """Which events may concern a decision that they do not name."""

    customer_id: CustomerId
    """Whose they are now."""
    offers: Collection[OfferId]
    bought: Collection[Category]
    """Categories whose purchase is what an offer is for."""
    until: Instant


_MADE = (DECISIONS.c.decision_id, DECISIONS.c.customer_id, DECISIONS.c.at_us, DECISIONS.c.answer, DECISIONS.c.packed)


def made(connection: Connection, decision_id: DecisionId) -> Made | None:
    """A kept decision, None for an unknown id."""
    row = connection.execute(select(*_MADE).where(DECISIONS.c.decision_id == decision_id)).first()
    return None if row is None else _made(row)


def made_after(connection: Connection, first: Made, sought: Sought) -> list[Made]:
    """The customer's later decisions that fall into the same time."""
    rows = select(*_MADE).where(
        DECISIONS.c.customer_id.in_({first.customer_id, sought.customer_id}),
        DECISIONS.c.decision_id != first.decision_id,
        DECISIONS.c.at_us >= first.at,
        DECISIONS.c.at_us <= sought.until,
    )
    return [_made(row) for row in connection.execute(rows)]


def _made(row: Any) -> Made:
    items = json.loads(answered(row)).get("items", ())
    offers = tuple((OfferId(item["offer_id"]), ChannelName(item["channel"])) for item in items)
    return Made(DecisionId(row.decision_id), CustomerId(row.customer_id), Instant(row.at_us), offers)


def candidates(connection: Connection, decision: Made, sought: Sought) -> list[Entry]:
    """Events that name the decision, and those of its customer that name none and may concern it; oldest first."""
    concerns = or_(
        EVENTS.c.offer_id.in_(sought.offers),
        and_(EVENTS.c.offer_id.is_(None), EVENTS.c.kind == Kind.PURCHASED.value, EVENTS.c.category.in_(sought.bought)),
    )
    unnamed = and_(
        EVENTS.c.decision_id.is_(None),
        IDENTITIES.c.customer_id == sought.customer_id,
        EVENTS.c.machine.is_(False),
        EVENTS.c.occurred_us >= decision.at,
        EVENTS.c.occurred_us <= sought.until,
        concerns,
    )
    joined = EVENTS.join(IDENTITIES, EVENTS.c.identity_id == IDENTITIES.c.identity_id)
    # Two statements, each with an index of its own: one with both conditions would read every event there is.
    named = select(EVENTS).where(EVENTS.c.decision_id == decision.decision_id, EVENTS.c.kind != IDENTIFIED)
    concerned = select(EVENTS).select_from(joined).where(unnamed, EVENTS.c.kind != IDENTIFIED)
    found = [entry(row) for rows in (named, concerned) for row in connection.execute(rows)]
    return sorted(found, key=lambda each: (each.occurred_at, each.position))
