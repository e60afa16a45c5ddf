"""Good rows as they are kept: typed, and with what is absent taken from other tables, in SQL."""

from __future__ import annotations

from features.column import SQL_TYPES, Table

_LOOKED_UP = {
    (
        "customers",
        "known_at",
    ): "coalesce(known_at, member_since, least((SELECT min(occurred_at) FROM good_events), "
    "(SELECT min(decided_at) FROM good_decisions)), getvariable('now'))",
    ("events", "utc_offset_min"): "coalesce(utc_offset_min, offset_min)::SMALLINT",
    ("events", "category"): "coalesce(category, offer_category)",
}
"""SQL for values that are taken from another table where they are absent."""

_LOOK_UPS = {
    "events": """
        LEFT JOIN (SELECT customer_id, zone FROM good_customers) USING (customer_id)
        LEFT JOIN wall_clock ON zone = clock_zone AND time_bucket(INTERVAL 15 MINUTE, occurred_at) = clock_quarter
        LEFT JOIN (SELECT offer_id, category AS offer_category FROM good_offers) USING (offer_id)
    """
}

WALL_CLOCK = """
    CREATE TABLE wall_clock AS
    SELECT zone AS clock_zone, quarter AS clock_quarter,
        date_diff('minute', quarter AT TIME ZONE 'UTC', quarter AT TIME ZONE zone) AS offset_min
    FROM (
        SELECT DISTINCT zone, time_bucket(INTERVAL 15 MINUTE, occurred_at) AS quarter
        FROM good_events JOIN good_customers USING (customer_id) WHERE utc_offset_min IS NULL
    )
"""
"""Offsets per quarter of an hour, not per event: a zone is looked up once, and none changes within a quarter."""


def keeping(table: Table) -> str:
    """Creates ``kept_<table>`` from ``good_<table>``; before that of events, WALL_CLOCK is to be executed."""
    values = ", ".join(
        f"{_LOOKED_UP.get((table.name, c.name), c.name)}::{SQL_TYPES[c.type]} AS {c.name}" for c in table.columns
    )
    return f"CREATE VIEW kept_{table.name} AS SELECT {values} FROM good_{table.name} {_LOOK_UPS.get(table.name, '')}"
