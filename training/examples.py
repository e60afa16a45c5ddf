"""Customers worth asking for: one per kind of offer, from the busiest to the quietest."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import duckdb

from features.catalogue import Catalogue
from features.domain import DAY, CustomerId

SHARES = (0.9, 0.5, 0.1)
"""Where each example stands among the customers who can get an offer of its kind, by purchases (0 none, 1 most)."""
RECENT_DAYS = 120

_RANKED = """
SELECT customer_id, count(*) FILTER (WHERE kind = 'purchased') AS purchases
FROM read_parquet($events)
WHERE received_at > make_timestamptz($since) AND received_at <= make_timestamptz($now)
    AND ($everyone OR customer_id IN (
        SELECT customer_id FROM read_parquet($events)
        WHERE kind = 'sent' AND list_contains($audiences, offer_id) AND received_at <= make_timestamptz($now)))
GROUP BY customer_id HAVING purchases > 0
ORDER BY purchases, customer_id
"""


@dataclass(frozen=True, slots=True)
class Example:
    """A customer and the kind of offer to ask for."""

    customer_id: CustomerId
    kind: str


def examples(catalogue: Catalogue, contract: Path) -> list[Example]:
    """Three examples (fewer where nobody can get an offer of some kind), from the contract's tables in ``contract``."""
    found = []
    with duckdb.connect() as con:
        for number, share in enumerate(SHARES):
            kind = catalogue.kinds[number % len(catalogue.kinds)]
            ranked = _ranked(con, catalogue, kind, contract)
            if ranked:
                found.append(Example(ranked[int(share * (len(ranked) - 1))], kind))
    return found


def _ranked(con: duckdb.DuckDBPyConnection, catalogue: Catalogue, kind: str, contract: Path) -> list[CustomerId]:
    """Customers who can get an offer of the kind now, by recent purchases."""
    now = catalogue.now
    open_now = [
        o
        for o in catalogue.offers
        if o.kind == kind
        and (o.valid_from is None or o.valid_from <= now)
        and (o.valid_to is None or now <= o.valid_to)
    ]
    parameters = {
        "events": str(contract / "events.parquet"),
        "since": now - RECENT_DAYS * DAY,
        "now": now,
        "everyone": any(o.audience is None for o in open_now),
        "audiences": [o.audience for o in open_now if o.audience is not None],
    }
    return [CustomerId(row[0]) for row in con.execute(_RANKED, parameters).fetchall()]
