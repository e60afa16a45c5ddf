"""Who changed what and when: lines that are only added."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, insert, select

from features.domain import CustomerId, Instant
from serving.journal.schema import AUDIT


@dataclass(frozen=True, slots=True)
class Cause:
    """Why something changes: the instant, who did it, and what for."""

    at: Instant
    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the audit."""

    at: Instant
    by: str
    action: str
    customer_id: CustomerId | None
    detail: Mapping[str, object]


def write_line(
    connection: Connection, cause: Cause, action: str, customer_id: CustomerId | None, **detail: object
) -> None:
    """Add a line; the detail must be JSON."""
    text = json.dumps({"reason": cause.reason, **detail}, ensure_ascii=False, sort_keys=True)
    line = {"at_us": cause.at, "by": cause.by, "action": action, "customer_id": customer_id, "detail": text}
    connection.execute(insert(AUDIT), line)


def lines(connection: Connection, customer_id: CustomerId | None = None) -> list[Line]:
    """Every line, or those about one customer, oldest first."""
    rows = select(AUDIT).order_by(AUDIT.c.audit_id)
    if customer_id is not None:
        rows = rows.where(AUDIT.c.customer_id == customer_id)
    return _read(connection, rows)


def lines_of(connection: Connection, action: str) -> list[Line]:
    """Every line of an action, oldest first."""
    return _read(connection, select(AUDIT).where(AUDIT.c.action == action).order_by(AUDIT.c.audit_id))


def _read(connection: Connection, rows: Select[Any]) -> list[Line]:
    return [
        Line(Instant(row.at_us), row.by, row.action, row.customer_id, json.loads(row.detail))
        for row in connection.execute(rows)
    ]
