"""What all customers together have used up of shared stocks, capacities and budgets."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import replace
from functools import cache

from sqlalchemy import Connection, bindparam, func, insert, or_, select
from sqlalchemy.dialects import postgresql, sqlite

from serving.journal.schema import COUNTERS, TAKES
from serving.journal.written import Written
from serving.ledger.contact import ContactId
from serving.ledger.reservation import Take

TOLERANCE = 1e-6
"""Money is added up in float64, so a sum that should be what there is may exceed it by this much."""

_ADD = Written(
    insert(TAKES).values(key=bindparam("key"), amount=bindparam("amount"), contact_id=bindparam("contact_id")).inline()
)
_OF = (
    select(TAKES.c.key, func.sum(TAKES.c.amount))
    .where(TAKES.c.contact_id.in_(bindparam("which", expanding=True)))
    .group_by(TAKES.c.key)
)


def taken(connection: Connection, keys: Collection[str]) -> dict[str, float]:
    """What is used up, by key; keys of which nothing was ever taken are left out."""
    if not keys:
        return {}
    return dict(counted_of(len(keys)).rows(connection, numbered(keys)))


@cache
def counted_of(keys: int) -> Written:
    """A statement for what is used up of so many keys, whose values are given by ``numbered``."""
    wanted = (COUNTERS.c.key == bindparam(f"key_{number}") for number in range(keys))
    return Written(select(COUNTERS.c.key, COUNTERS.c.taken).where(or_(*wanted)))


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
        _ADD.run_all(connection, rows)
        _count(connection, [(str(row["key"]), float(str(row["amount"]))) for row in rows])


def give_back(connection: Connection, contact_ids: Collection[ContactId]) -> None:
    """What these contacts took is left again."""
    _count(connection, [(key, -amount) for key, amount in connection.execute(_OF, {"which": list(contact_ids)})])


def put_back(connection: Connection, takes: Iterable[Take]) -> None:
    """What was taken without a contact is left again."""
    take(connection, [replace(each, amount=-each.amount) for each in takes])


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
        _raise(connection.dialect.name).run_all(connection, rows)


@cache
def _raise(dialect: str) -> Written:
    statement = (postgresql if dialect == "postgresql" else sqlite).insert(COUNTERS)
    more = {"taken": COUNTERS.c.taken + statement.excluded.taken}
    return Written(statement.on_conflict_do_update(index_elements=[COUNTERS.c.key], set_=more))
