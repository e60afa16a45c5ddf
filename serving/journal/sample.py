"""Known customers by chance, for trying something out."""

from __future__ import annotations

from random import Random

from sqlalchemy import Connection, func, select

from features.domain import CustomerId
from serving.journal.schema import CUSTOMERS


def sample(connection: Connection, size: int, seed: int) -> list[CustomerId]:
    """Up to so many different customers, the same for the same seed and journal; each draw costs one look-up."""
    first, last = connection.execute(select(func.min(CUSTOMERS.c.head), func.max(CUSTOMERS.c.head))).one()
    if last is None:
        return []
    total = connection.execute(select(func.count()).select_from(CUSTOMERS)).scalar_one()
    by_head = select(CUSTOMERS.c.customer_id).order_by(CUSTOMERS.c.head)
    if total <= size:
        return [CustomerId(row.customer_id) for row in connection.execute(by_head)]
    random, found = Random(seed), dict[CustomerId, None]()
    for _ in range(4 * size):
        if len(found) == size:
            break
        drawn = by_head.where(CUSTOMERS.c.head >= random.randint(first, last)).limit(1)
        found[CustomerId(connection.execute(drawn).scalar_one())] = None
    return list(found)
