"""What all customers together have used up of shared stocks, capacities and budgets."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from functools import cache

from sqlalchemy import Connection, Insert, Select, bindparam, func, insert, or_, select
from sqlalchemy.dialects import postgresql, sqlite

from serving.journal.schema import COUNTERS, TAKES
from serving.ledger.contact import ContactId
from serving.ledger.reservation import Take

TOLERANCE = 1e-6
"""Money is added up in float64, so a sum that should be what there is may exceed it by this much."""

_ADD = insert(TAKES)
_OF = (
    select(TAKES.c.key, func.sum(TAKES.c.amount))
    .where(TAKES.c.contact_id.in_(bindparam("which", expanding=True)))
    .group_by(TAKES.c.key)
)


def taken(connection: Connection, keys: Collection[str]) -> dict[str, float]:
    """What is used up, by key; keys of which nothing was ever taken are left out."""
    if not keys:
        return {}
    rows = connection.execute(counted_of(len(keys)), numbered(keys))
    return {row.key: row.taken for row in rows}


@cache
def counted_of(keys: int) -> Select[tuple[str, float]]:
    """A statement for what is used up of so many keys, whose values are given by ``numbered``."""
    wanted = (COUNTERS.c.key == bindparam(f"key_{number}") for number in range(keys))
    return select(COUNTERS.c.key, COUNTERS.c.taken).where(or_(*wanted))


def numbered(keys: Collection[str]) -> dict[str, str]:
    """Keys as parameters of ``counted_of``."""
    return {f"key_{number}": key for number, key in enumerate(keys)}


def lacking(connection: Connection, takes: Iterable[Take]) -> frozenset[str]:
    """Keys of which these take more than is left."""
    wanted: dict[str, float] = defaultdict(float)
    most: dict[str, float] = {}
    for take in takes:
        wanted[take.key] += take.amount
        most[take.key] = min(take.most, most.get(take.key, take.most))
    used = taken(connection, wanted)
    return frozenset(key for key in wanted if used.get(key, 0.0) + wanted[key] > most[key] + TOLERANCE)


def take(connection: Connection, takes: Iterable[Take]) -> None:
    """Use up; that there is enough was looked at before."""
    rows = [{"key": each.key, "amount": each.amount, "contact_id": each.contact_id} for each in takes]
    if rows:
        connection.execute(_ADD, rows)
        _count(connection, [(str(row["key"]), float(str(row["amount"]))) for row in rows])


def give_back(connection: Connection, contact_ids: Collection[ContactId]) -> None:
    """What these contacts took is left again."""
    _count(connection, [(key, -amount) for key, amount in connection.execute(_OF, {"which": list(contact_ids)})])


def take_after_all(connection: Connection, given_back: ContactId, contact_id: ContactId) -> None:
    """What one contact gave back is used up by another after all, be there enough or not."""
    rows = connection.execute(_OF, {"which": [given_back]})
    take(connection, [Take(key, amount, amount, contact_id) for key, amount in rows])


def _count(connection: Connection, amounts: Iterable[tuple[str, float]]) -> None:
    summed: dict[str, float] = defaultdict(float)
    for key, amount in amounts:
        summed[key] += amount
    if summed:
        rows = [{"key": key, "taken": amount} for key, amount in sorted(summed.items())]
        connection.execute(_raise(connection.dialect.name), rows)


@cache
def _raise(dialect: str) -> Insert:
    statement = (postgresql if dialect == "postgresql" else sqlite).insert(COUNTERS)
    more = {"taken": COUNTERS.c.taken + statement.excluded.taken}
    upsert: Insert = statement.on_conflict_do_update(index_elements=[COUNTERS.c.key], set_=more)
    return upsert
