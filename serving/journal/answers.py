"""Answers given under an ``Idempotency-Key``, so that a call that is sent again is not done again."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Connection, select
from sqlalchemy.dialects import postgresql, sqlite

from features.domain import CustomerId, Instant
from serving.journal.schema import ANSWERS


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer, with a digest of the body that it answered."""

    body: str
    answer: str
    """JSON."""


def kept_answer(connection: Connection, key: str) -> Kept | None:
    """The answer kept under a digest of caller and key; None where there is none."""
    row = connection.execute(select(ANSWERS.c.body, ANSWERS.c.answer).where(ANSWERS.c.key == key)).first()
    return None if row is None else Kept(row.body, row.answer)


def keep_answer(connection: Connection, key: str, kept: Kept, at: Instant, customers: Iterable[CustomerId]) -> Kept:
    """Keep an answer unless there is one; returns the one that is kept. ``customers`` are all that it tells of."""
    statement = (postgresql if connection.dialect.name == "postgresql" else sqlite).insert(ANSWERS)
    row = {
        "key": key,
        "body": kept.body,
        "status": 200,
        "answer": kept.answer,
        "at_us": at,
        "customers": json.dumps(sorted(set(customers))),
    }
    connection.execute(statement.values(row).on_conflict_do_nothing())
    return kept_answer(connection, key) or kept
