"""What came of each decision, as far as it was known at an instant: the labels of every model.

A label is known once its window has ended. Counting open windows that were already answered, too, would keep their
positives and drop their negatives, and the mean would be too high.
"""

from __future__ import annotations

from pathlib import Path

import duckdb
import pyarrow as pa

from features.domain import DAY, Instant

LABEL_COLUMNS = (
    "decision_id",
    "customer_id",
    "kind",
    "offer_id",
    "channel",
    "decided_us",
    "ends_us",
    "weight",
    "probability",
    "noticed",
    "redeemed",
    "taken",
)
"""Columns of ``labels``. ``channel`` is null where nothing was sent. ``noticed``, ``redeemed`` and ``taken`` are null
where they are not known: before the window's end, or because nobody records them."""
EXPANDED = 3
"""Offers drawn for a decision that offered nothing: each tells what happens without that offer."""
WARM_UP_US = 1 * DAY
"""Decisions from longer before the first recorded purchase are left out: their first outcomes were not recorded."""

_PAIRS = """
CREATE TEMP TABLE offers AS SELECT * FROM read_parquet($offers);
CREATE TEMP TABLE known AS SELECT * REPLACE (epoch_us(occurred_at) AS occurred_at)
    FROM read_parquet($events) WHERE epoch_us(received_at) <= $at;
CREATE TEMP TABLE decided AS
    SELECT d.* REPLACE (epoch_us(decided_at) AS decided_at, epoch_us(outcome_at) AS outcome_at)
    FROM read_parquet($decisions) AS d
    WHERE epoch_us(decided_at) <= $at AND epoch_us(decided_at) >= coalesce(
        (SELECT min(epoch_us(occurred_at)) FROM read_parquet($events) WHERE kind = 'purchased'), $at) - $warm_up;

CREATE TEMP TABLE pair AS
WITH drawn AS (
    SELECT d.*, o.offer_id AS drawn_id, count(*) OVER (PARTITION BY decision_id) AS choices,
        row_number() OVER (PARTITION BY decision_id
            ORDER BY md5(concat_ws('/', decision_id, o.offer_id, $seed))) AS nr
    FROM decided AS d LEFT JOIN offers AS made ON made.offer_id = d.offer_id
    JOIN offers AS o ON o.kind = d.kind
        AND (d.offer_id IS NULL OR $others > 0)
        AND coalesce(epoch_us(o.valid_from) <= d.decided_at, TRUE)
        AND coalesce(d.decided_at <= epoch_us(o.valid_to), TRUE)
        AND (d.offer_id IS NULL OR o.buys <> made.buys)
),
every AS (
    SELECT *, FALSE AS drawn FROM decided WHERE offer_id IS NOT NULL
    UNION ALL BY NAME
    SELECT * EXCLUDE (drawn_id, choices, nr) REPLACE (
            decision_id || '@' || drawn_id AS decision_id, drawn_id AS offer_id,
            NULL AS channel,
            weight * choices / least(choices, CASE WHEN offer_id IS NULL THEN $expanded ELSE $others END) AS weight,
            NULL AS noticed, NULL AS taken, NULL AS outcome_at), TRUE AS drawn
    FROM drawn WHERE nr <= CASE WHEN offer_id IS NULL THEN $expanded ELSE $others END
)
SELECT e.decision_id, e.customer_id, e.kind, e.offer_id, e.channel, e.weight, e.probability, o.buys, o.min_spend_minor,
    o.response, e.decided_at AS decided_us, e.decided_at + round(o.window_days * 86400e6)::BIGINT AS ends_us,
    e.noticed AS noticed_given, e.taken AS taken_given, e.outcome_at,
    -- What answers two contacts with one offer answers the later one.
    lead(e.decided_at) OVER (PARTITION BY e.customer_id, e.offer_id, e.channel IS NULL ORDER BY e.decided_at) AS next_us
FROM every AS e JOIN offers AS o USING (offer_id);
"""

_OUTCOMES = """
CREATE TEMP TABLE seen_channel AS
    SELECT DISTINCT channel FROM known WHERE kind IN ('viewed', 'clicked')
    UNION SELECT DISTINCT channel FROM decided WHERE noticed IS NOT NULL AND channel IS NOT NULL;

CREATE TEMP TABLE noticed AS
    SELECT DISTINCT p.decision_id FROM pair AS p JOIN known AS e ON e.customer_id = p.customer_id
        AND e.offer_id = p.offer_id AND e.kind IN ('viewed', 'clicked') AND e.occurred_at > p.decided_us
        AND e.occurred_at <= least(p.ends_us, coalesce(p.next_us, p.ends_us))
        AND coalesce(e.decision_id, p.decision_id) = p.decision_id
    WHERE p.channel IS NOT NULL;

-- Redeeming a coupon of a mailing answers the coupon and the mailing.
CREATE TEMP TABLE redemption AS
    SELECT customer_id, offer_id, occurred_at FROM known WHERE kind = 'redeemed'
    UNION ALL SELECT e.customer_id, o.audience, e.occurred_at FROM known AS e JOIN offers AS o USING (offer_id)
    WHERE e.kind = 'redeemed' AND o.audience <> o.offer_id;
CREATE TEMP TABLE redeemed AS
    SELECT DISTINCT p.decision_id FROM pair AS p JOIN redemption AS e ON e.customer_id = p.customer_id
        AND e.offer_id = p.offer_id AND e.occurred_at > p.decided_us
        AND e.occurred_at <= least(p.ends_us, coalesce(p.next_us, p.ends_us))
    WHERE p.channel IS NOT NULL;

CREATE TEMP TABLE bought AS
    WITH spent AS (
        SELECT p.decision_id, e.value_minor FROM pair AS p JOIN known AS e ON e.customer_id = p.customer_id
            AND e.category = p.buys AND e.occurred_at > p.decided_us AND e.occurred_at <= p.ends_us
        WHERE e.kind = 'purchased' AND (p.response = 'purchase' OR p.channel IS NULL)
        UNION ALL
        SELECT p.decision_id, e.value_minor FROM pair AS p JOIN known AS e ON e.customer_id = p.customer_id
            AND e.occurred_at > p.decided_us AND e.occurred_at <= p.ends_us
        WHERE e.kind = 'purchased' AND p.buys IS NULL AND (p.response = 'purchase' OR p.channel IS NULL)
    )
    SELECT decision_id FROM spent JOIN pair USING (decision_id)
    GROUP BY decision_id HAVING sum(value_minor) >= greatest(1, any_value(min_spend_minor));
"""

_LABELS = """
SELECT decision_id, customer_id, kind, offer_id, channel, decided_us, ends_us, weight, probability,
    CASE WHEN NOT ended OR channel IS NULL OR channel NOT IN (SELECT channel FROM seen_channel) THEN NULL
        ELSE coalesce(noticed_given, decision_id IN (SELECT decision_id FROM noticed)) END AS noticed,
    CASE WHEN ended AND channel IS NOT NULL
        THEN decision_id IN (SELECT decision_id FROM redeemed) END AS redeemed,
    CASE WHEN NOT ended THEN NULL
        WHEN taken_given IS NOT NULL THEN taken_given
        WHEN response = 'redemption' AND channel IS NOT NULL THEN decision_id IN (SELECT decision_id FROM redeemed)
        ELSE decision_id IN (SELECT decision_id FROM bought) END AS taken
FROM (SELECT *, ends_us <= $at AND coalesce(outcome_at <= $at, TRUE) AS ended FROM pair)
ORDER BY decided_us, decision_id
"""


def labels(contract: Path, at: Instant, *, seed: int, threads: int = 2, others: int = 0) -> pa.Table:
    """Every decision made by ``at`` with what was known of its outcome then; columns LABEL_COLUMNS, by time.

    Events learnt after ``at`` are not used. A decision that offered nothing becomes EXPANDED rows, one per offer drawn.

    Args:
        contract: Folder with the tables of the contract; without ``decisions`` there are no labels.
        at: What was learnt up to here (inclusive) is used, microseconds UTC.
        seed: Chooses the offers drawn.
        threads: For DuckDB.
        others: Rows for each decision that did offer something, one per offer drawn that is for something else: where
            an offer is taken to bring about only what it is for, these tell what happens without an offer, too.
    """
    values = {
        **{name: str(contract / f"{name}.parquet") for name in ("offers", "events", "decisions")},
        "at": int(at),
        "seed": seed,
        "warm_up": WARM_UP_US,
        "expanded": EXPANDED,
        "others": others,
    }
    with duckdb.connect(config={"threads": threads}) as con:
        con.execute("SET timezone = 'UTC'")
        for statement in (*_PAIRS.split(";\n"), *_OUTCOMES.split(";\n")):
            if statement.strip():
                con.execute(statement, {name: value for name, value in values.items() if f"${name}" in statement})
        found: pa.Table = con.sql(_LABELS, params={"at": values["at"]}).to_arrow_table()
    return found
