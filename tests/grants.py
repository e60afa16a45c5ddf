"""Checks every grant in a journal against the names and the policy of its moment, in SQL and from the journal alone.

It shares no line with the code that grants: who a customer was follows from ``links``, where a contact stood from
``contact_changes``, the caps from ``documents``, the calendar from the database (PostgreSQL) or ``datetime`` (SQLite).
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from math import floor
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, create_engine, text

HOUR_US = 3_600_000_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

TABLES = (
    """CREATE TEMP TABLE t_links AS SELECT identity_id, customer_id, position FROM links""",
    """CREATE INDEX t_links_customer ON t_links (customer_id)""",
    """CREATE INDEX t_links_identity ON t_links (identity_id, position)""",
    # Contacts on caps: everything but what was never granted, and what is not promotional.
    """CREATE TEMP TABLE t_grants AS
    SELECT c.contact_id, c.position, c.customer_id, c.identity_id, c.moment_us, c.granted_us, c.priority, c.zone,
           c.policy
    FROM contacts c
    WHERE c.policy <> '' AND c.counts AND c.purposes <> '["service"]'""",
    """CREATE INDEX t_grants_contact ON t_grants (contact_id)""",
    # Messages of one decision are granted in their order.
    # Whoever may have shared a customer with the grant by then; whether they did is seen from the links below.
    """CREATE TEMP TABLE t_seen AS
    SELECT g.contact_id AS grant_id, o.contact_id AS other_id, o.moment_us AS moment_us
    FROM t_grants g
    JOIN (SELECT DISTINCT customer_id, identity_id FROM t_links) l ON l.customer_id = g.customer_id
    JOIN contacts o ON o.identity_id = l.identity_id AND o.position <= g.position AND o.counts
     AND (o.position < g.position OR o.contact_id <= g.contact_id)
    WHERE (SELECT t.customer_id FROM t_links t WHERE t.identity_id = o.identity_id AND t.position <= g.position
           ORDER BY t.position DESC LIMIT 1) = g.customer_id
      AND COALESCE(
            (SELECT h.standing FROM contact_changes h WHERE h.contact_id = o.contact_id AND h.position <= g.position
             ORDER BY h.position DESC LIMIT 1),
            CASE WHEN o.policy = '' THEN 'sent'
                 WHEN o.expires_us <= g.granted_us AND o.contact_id <> g.contact_id THEN 'expired'
                 ELSE 'reserved' END
          ) IN ('reserved', 'confirmed', 'sent', 'overdrawn')""",
    """CREATE INDEX t_seen_grant ON t_seen (grant_id, moment_us)""",
    """CREATE INDEX t_subjects_contact ON t_subjects (contact_id, per, subject)""",
)
SUBJECTS = """CREATE TEMP TABLE t_subjects AS
    SELECT contact_id, 'all' AS per, '' AS subject FROM contacts
    UNION SELECT contact_id, 'channel', channel FROM contacts
    UNION SELECT contact_id, 'offer', j.value FROM contacts, {offers}
    UNION SELECT contact_id, 'category', j.value FROM contacts, {categories}
    UNION SELECT contact_id, 'purpose', j.value FROM contacts, {purposes}"""
EACH = {
    "sqlite": "json_each({}) j",
    "postgresql": "json_array_elements_text({}::json) AS j(value)",
}
FREE = "cap.most - CASE WHEN g.priority > cap.above THEN 0 ELSE cap.kept END"
ROLLING = f"""
    SELECT g.contact_id, cap.name, s.subject, count(*) AS found
    FROM t_grants g
    JOIN t_caps cap ON cap.policy = g.policy AND cap.length_us IS NOT NULL
    JOIN t_subjects s ON s.contact_id = g.contact_id AND s.per = cap.per
     AND (cap.single IS NULL OR cap.single = s.subject)
    JOIN t_seen w ON w.grant_id = g.contact_id
     AND w.moment_us > g.moment_us - cap.length_us AND w.moment_us <= g.moment_us
    JOIN t_seen o ON o.grant_id = g.contact_id AND o.moment_us >= w.moment_us
     AND o.moment_us < w.moment_us + cap.length_us
    JOIN t_subjects t ON t.contact_id = o.other_id AND t.per = s.per AND t.subject = s.subject
    GROUP BY g.contact_id, g.priority, cap.name, cap.most, cap.kept, cap.above, s.subject, w.other_id
    HAVING count(*) > {FREE}"""
CALENDAR = f"""
    SELECT g.contact_id, cap.name, s.subject, count(*) AS found
    FROM t_grants g
    JOIN t_caps cap ON cap.policy = g.policy AND cap.unit IS NOT NULL
    JOIN t_subjects s ON s.contact_id = g.contact_id AND s.per = cap.per
     AND (cap.single IS NULL OR cap.single = s.subject)
    JOIN t_seen o ON o.grant_id = g.contact_id
    JOIN t_subjects t ON t.contact_id = o.other_id AND t.per = s.per AND t.subject = s.subject
    WHERE {{other}} = {{own}}
    GROUP BY g.contact_id, g.priority, cap.name, cap.most, cap.kept, cap.above, s.subject
    HAVING count(*) > {FREE}"""
STRETCH = {
    "sqlite": "stretch({unit}, {moment}, {zone})",
    "postgresql": "date_trunc({unit}, to_timestamp({moment} / 1000000.0) AT TIME ZONE {zone})",
}
STRANGERS = """
    SELECT g.contact_id, 'whose', g.customer_id, 1 FROM t_grants g
    WHERE COALESCE((SELECT t.customer_id FROM t_links t WHERE t.identity_id = g.identity_id AND t.position <= g.position
                    ORDER BY t.position DESC LIMIT 1), '') <> g.customer_id"""
LATE = """
    SELECT c.contact_id, 'confirmed late', c.customer_id, 1 FROM contact_changes h
    JOIN contacts c ON c.contact_id = h.contact_id
    WHERE h.standing = 'confirmed' AND (h.was <> 'reserved' OR h.at_us >= c.expires_us)"""
REVIVED = """
    SELECT c.contact_id, 'revived', g.contact_id, 1 FROM contact_changes h
    JOIN contacts c ON c.contact_id = h.contact_id
    JOIN t_grants g ON g.customer_id = c.customer_id AND g.position > c.position AND g.position < h.position
     AND g.granted_us >= c.expires_us
    WHERE h.standing = 'confirmed'"""
BROKEN = """
    SELECT contact_id, 'taken back', standing, 1 FROM contact_changes
    WHERE (was = 'confirmed' AND standing IN ('displaced', 'expired'))
       OR (was IN ('sent', 'overdrawn', 'released', 'expired', 'displaced'))"""
UNKNOWN = """
    SELECT g.contact_id, 'policy', g.policy, 1 FROM t_grants g
    WHERE NOT EXISTS (SELECT 1 FROM t_policies p WHERE p.policy = g.policy)"""
SHARED = """
    SELECT key, 'shared', '', used FROM (
      SELECT key, position, granted, SUM(amount) OVER (PARTITION BY key ORDER BY position) AS used FROM (
        SELECT t.key, c.position, t.amount, c.policy <> '' AS granted
        FROM takes t JOIN contacts c ON c.contact_id = t.contact_id
        UNION ALL
        SELECT t.key, h.position, -t.amount, h.position < 0
        FROM takes t JOIN contact_changes h ON h.contact_id = t.contact_id
        WHERE h.standing IN ('released', 'expired', 'displaced')
      ) moves
    ) running JOIN t_shared s ON running.key LIKE s.likeness WHERE granted AND used > s.most + 0.000001"""
MISCOUNTED = """
    SELECT k.key, 'miscounted', '', k.taken FROM counters k
    LEFT JOIN (SELECT t.key, SUM(t.amount) AS used FROM takes t
               LEFT JOIN contacts c ON c.contact_id = t.contact_id
               WHERE t.contact_id IS NULL OR c.standing IN ('reserved', 'confirmed', 'sent', 'overdrawn')
               GROUP BY t.key) u ON u.key = k.key
    WHERE ABS(k.taken - COALESCE(u.used, 0)) > 0.000001"""


def violations(uri: str, shared: dict[str, float] | None = None) -> tuple[int, list[tuple[Any, ...]]]:
    """How many grants were checked, and what is wrong: contact, cap, subject, count.

    Args:
        shared: What there is of each shared stock, capacity or budget, by a LIKE pattern of its keys.
    """
    with _connected(uri) as connection:
        name = connection.dialect.name
        lists = {each: EACH[name].format(each) for each in ("offers", "categories", "purposes")}
        connection.execute(text(SUBJECTS.format(**lists)))
        for statement in TABLES:
            connection.execute(text(statement))
        _add_caps(connection)
        _add_shared(connection, shared or {})
        connection.execute(text("ANALYZE"))
        stretch = STRETCH[name]
        calendar = CALENDAR.format(
            other=stretch.format(unit="cap.unit", moment="o.moment_us", zone="g.zone"),
            own=stretch.format(unit="cap.unit", moment="g.moment_us", zone="g.zone"),
        )
        asked = (ROLLING, calendar, STRANGERS, LATE, REVIVED, BROKEN, UNKNOWN, SHARED, MISCOUNTED)
        found = [tuple(row) for each in asked for row in connection.execute(text(each))]
        return connection.execute(text("SELECT count(*) FROM t_grants")).scalar_one(), found


def _add_caps(connection: Connection) -> None:
    connection.execute(text("CREATE TEMP TABLE t_policies (policy text)"))
    connection.execute(
        text(
            "CREATE TEMP TABLE t_caps (policy text, name text, per text, single text, most integer, kept integer,"
            " above integer, length_us bigint, unit text)"
        )
    )
    bodies = connection.execute(text("SELECT fingerprint, body FROM documents WHERE name = 'policy'")).all()
    for fingerprint, body in bodies:
        document = json.loads(body)
        connection.execute(text("INSERT INTO t_policies VALUES (:policy)"), {"policy": fingerprint})
        kept = document.get("kept") or {"share": 0, "above_priority": 0}
        for cap in document.get("caps", ()):
            row = {
                "policy": fingerprint,
                "name": cap["name"],
                "per": cap["per"],
                "single": cap.get("of"),
                "most": cap["most"],
                "kept": floor(kept["share"] * cap["most"]),
                "above": kept["above_priority"],
                "length_us": _length(cap["window"].get("hours")),
                "unit": cap["window"].get("calendar"),
            }
            names = ", ".join(f":{name}" for name in row)
            connection.execute(text(f"INSERT INTO t_caps VALUES ({names})"), row)


def _length(hours: float | None) -> int | None:
    return None if hours is None else round(hours * HOUR_US)


def _add_shared(connection: Connection, shared: dict[str, float]) -> None:
    connection.execute(text("CREATE TEMP TABLE t_shared (likeness text, most double precision)"))
    for likeness, most in shared.items():
        connection.execute(text("INSERT INTO t_shared VALUES (:likeness, :most)"), {"likeness": likeness, "most": most})


@contextmanager
def _connected(uri: str) -> Iterator[Connection]:
    engine = create_engine(uri.replace("postgresql://", "postgresql+psycopg://"))
    try:
        with engine.connect() as connection:
            if connection.dialect.name == "sqlite":
                driver: Any = connection.connection.driver_connection
                driver.create_function("stretch", 3, _stretch, deterministic=True)
            yield connection
            connection.rollback()
    finally:
        engine.dispose()


def _stretch(unit: str, moment_us: int, zone: str) -> str:
    here = (EPOCH + timedelta(microseconds=moment_us)).astimezone(ZoneInfo(zone))
    first: dict[str, Callable[[], Any]] = {
        "day": here.date,
        "week": lambda: here.date() - timedelta(days=here.weekday()),
        "month": lambda: here.date().replace(day=1),
    }
    return str(first[unit]())
