"""Moments before anybody was contacted: what customers buy without being told, from their histories alone.

A young log tells little of it: windows are still open, and nearly everybody was told of something. Windows that end
after the first message count as far as they had come by then: what is bought within days tells of what is bought within
weeks, and without them nothing would be known of windows longer than the history.
"""

from __future__ import annotations

from pathlib import Path

import duckdb
import pyarrow as pa

from features.catalogue import Catalogue
from features.domain import DAY, Instant

WARM_UP_DAYS = 7
"""Of history before the first moment: with none, nothing would be known of anybody."""
OFFERS = 3
"""Drawn for each moment."""
LEAST_DAYS = 1.0
"""Of a window before the first message for it to count."""

_MOMENTS = """
WITH known AS (SELECT * FROM read_parquet($events) WHERE epoch_us(received_at) <= $at),
begin AS (SELECT min(epoch_us(occurred_at)) + $warm_up AS at_us FROM known),
first AS (
    SELECT least($at, coalesce(min(epoch_us(occurred_at)) FILTER (kind = 'sent'), $at)) AS at_us FROM known
),
moment AS (
    SELECT customer_id, nr, begin.at_us
        + (hash(customer_id, nr, $seed) % 1000003) / 1000003.0 * (first.at_us - begin.at_us) AS at_us
    FROM read_parquet($customers), range($each) AS r(nr), begin, first WHERE first.at_us > begin.at_us
),
drawn AS (
    SELECT m.customer_id, m.at_us::BIGINT AS decided_us, o.offer_id, o.buys, o.window_days,
        row_number() OVER (PARTITION BY m.customer_id, m.nr ORDER BY hash(m.customer_id, m.nr, o.offer_id, $seed)) AS nr
    FROM moment AS m, read_parquet($offers) AS o WHERE o.kind = $kind
)
SELECT d.customer_id, d.offer_id, NULL::VARCHAR AS channel, d.decided_us, d.days, bool_or(e.kind IS NOT NULL) AS bought
FROM (SELECT drawn.*, least(window_days, (first.at_us - decided_us) / 86400e6) AS days FROM drawn, first
    WHERE nr <= $offers_each AND least(window_days, (first.at_us - decided_us) / 86400e6) >= $least_days) AS d
LEFT JOIN known AS e ON e.customer_id = d.customer_id AND e.kind = 'purchased' AND e.category = d.buys
    AND epoch_us(e.occurred_at) > d.decided_us AND epoch_us(e.occurred_at) <= d.decided_us + d.days * 86400e6
GROUP BY ALL ORDER BY d.decided_us, d.customer_id, d.offer_id
"""


def calm(contract: Path, catalogue: Catalogue, at: Instant, kind: str, *, each: int, seed: int) -> pa.Table:
    """Moments of customers before the first message, and whether what an offer is for was bought in its window, or in
    the ``days`` of it that had passed by the first message; none where messages were sent from the beginning on.

    Args:
        contract: The folder.
        catalogue: Its offers and channels.
        at: What was learnt up to here is used.
        kind: Of the offers.
        each: Moments per customer.
        seed: Chooses moments and offers.
    """
    values = {name: str(contract / f"{name}.parquet") for name in ("events", "customers", "offers")}
    more = {
        "at": int(at),
        "warm_up": WARM_UP_DAYS * DAY,
        "seed": seed,
        "each": each,
        "kind": kind,
        "least_days": LEAST_DAYS,
    }
    with duckdb.connect() as con:
        con.execute("SET timezone = 'UTC'")
        found: pa.Table = con.sql(_MOMENTS, params=values | more | {"offers_each": OFFERS}).to_arrow_table()
    known = {str(offer.offer_id) for offer in catalogue.offers}
    return found.filter(pa.array([offer in known for offer in found["offer_id"].to_pylist()], pa.bool_()))
