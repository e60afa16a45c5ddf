"""Rows that break the contract are set aside with the rule they broke, counted, and never dropped in silence.

Works on DuckDB tables ``raw_<table>``, as an importer left them, and leaves the good rows, typed and with defaults, in
``kept_<table>`` and the broken ones in ``set_aside``. For every table: rows in = rows kept + rows set aside.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import duckdb

from features.column import SQL_TYPES, Table
from features.contract import TABLES
from features.domain import DAY, Instant
from features.errors import ContractError
from features.instant import format_instant
from features.keeping import WALL_CLOCK, keeping
from features.reading import reading
from features.rules import duplicate_rule, rules_of


@dataclass(frozen=True, slots=True)
class Count:
    """Where the rows of one table went."""

    rows_in: int
    kept: int
    broken: dict[str, int]
    """Rows set aside, by rule."""

    @property
    def set_aside(self) -> int:
        """Rows set aside, over all rules."""
        return sum(self.broken.values())


def check(
    con: duckdb.DuckDBPyConnection, now: Instant, on_table: Callable[[str], None] | None = None
) -> dict[str, Count]:
    """Split every table ``raw_*`` into ``kept_*`` and ``set_aside``, and count.

    ``now`` bounds instants that may not lie in the future: 24 h beyond it are allowed. ``on_table`` hears which table
    comes next. Raises ContractError for a missing table or column, and for a required table without rows.
    """
    con.execute("SET TimeZone = 'UTC'")
    con.execute(f"SET VARIABLE now = TIMESTAMPTZ '{format_instant(now)}'")
    con.execute(f"SET VARIABLE latest = TIMESTAMPTZ '{format_instant(Instant(now + DAY))}'")
    con.execute('CREATE TABLE set_aside ("table" VARCHAR, rule VARCHAR, "column" VARCHAR, value VARCHAR, row JSON)')
    present = {str(name) for (name,) in con.execute("SELECT table_name FROM duckdb_tables()").fetchall()}
    for table in TABLES:
        _require(con, table, f"raw_{table.name}" in present)
    counts = {}
    for table in TABLES:
        if on_table:
            on_table(table.name)
        _judge(con, table)
        _set_aside(con, table)
    con.execute(WALL_CLOCK)
    for table in TABLES:
        con.execute(keeping(table))
        counts[table.name] = _count(con, table)
    return counts


def refuse_beyond(con: duckdb.DuckDBPyConnection, counts: dict[str, Count], max_share: float, kept_in: Path) -> None:
    """Raise ContractError when more than ``max_share`` (0–1) of any table's rows were set aside.

    The message names the rules and one value each; ``kept_in`` is the file that holds the broken rows.
    """
    for name, count in counts.items():
        if count.set_aside > max_share * count.rows_in:
            rules = "; ".join(_example(con, name, rule, rows) for rule, rows in _commonest(count))
            raise ContractError(
                f"{name}: {count.set_aside:,} of {count.rows_in:,} rows break the contract, more than the allowed "
                f"share of {max_share:g} ({rules}). Mend them (all stand in {kept_in}) or raise max_quarantine_share."
            )


def _commonest(count: Count) -> list[tuple[str, int]]:
    return sorted(count.broken.items(), key=lambda item: (-item[1], item[0]))[:5]


def _example(con: duckdb.DuckDBPyConnection, table: str, rule: str, rows: int) -> str:
    value = _one(con, 'SELECT min(value) FROM set_aside WHERE "table" = ? AND rule = ?', [table, rule])
    return f"{rule} {rows:,}×, such as {value!r}"


def _one(con: duckdb.DuckDBPyConnection, sql: str, values: list[object] | None = None) -> object:
    row = con.execute(sql, values or []).fetchone()
    return row[0] if row else None


def _require(con: duckdb.DuckDBPyConnection, table: Table, present: bool) -> None:
    """Make sure the raw table exists; an optional one that is absent is made, without rows."""
    if present:
        require_columns(con, table, table.name)
    elif table.required:
        raise ContractError(f"table {table.name} is missing: {table.meaning} Add {table.name}.parquet, .csv or .ndjson")
    else:
        columns = ", ".join(f"{column.name} {SQL_TYPES[column.type]}" for column in table.columns)
        con.execute(f"CREATE TABLE raw_{table.name} ({columns})")


def require_columns(con: duckdb.DuckDBPyConnection, table: Table, where: str) -> None:
    """Raise ContractError when ``raw_<table>`` lacks a required column, or rows that it must have.

    ``where`` is what the message calls the table: its name or its file.
    """
    have = set(_raw_types(con, table))
    for column in table.columns:
        if column.required and column.name not in have:
            found = ", ".join(sorted(have))
            raise ContractError(f"{where} has no column {column.name} ({column.meaning}): add it; found {found}")
    if table.required and not _one(con, f"SELECT count(*) FROM raw_{table.name}"):
        raise ContractError(f"{where} holds no rows: {table.meaning} Write at least one {table.word}")


def _raw_types(con: duckdb.DuckDBPyConnection, table: Table) -> dict[str, str]:
    return {str(row[0]): str(row[1]) for row in con.execute(f"DESCRIBE raw_{table.name}").fetchall()}


def _judge(con: duckdb.DuckDBPyConnection, table: Table) -> None:
    """Create ``judged_<table>``: typed values, the raw row's number, and the number of the first rule it breaks."""
    types = _raw_types(con, table)
    given = [column for column in table.columns if column.name in types]
    absent = [column for column in table.columns if column.name not in types]
    read = [f"{reading(c, types[c.name])} AS {c.name}" for c in given]
    read += [f"NULL::{SQL_TYPES[c.type]} AS {c.name}" for c in absent]
    raw = [f'"{c.name}" AS raw_{c.name}' for c in given] + [f"NULL AS raw_{c.name}" for c in absent]
    filled = [f"coalesce({c.name}, {c.default}) AS {c.name}" if c.default else c.name for c in table.columns]
    cases = " ".join(f"WHEN {rule.broken} THEN {number}" for number, rule in enumerate(rules_of(table)))
    con.execute(
        f"""
        CREATE TABLE judged_{table.name} AS
        WITH typed AS (SELECT rowid AS row_nr, {", ".join(raw + read)} FROM raw_{table.name})
        SELECT row_nr, {", ".join(filled)}, CASE {cases} END::INTEGER AS broken FROM typed
        """
    )
    con.execute(f"CREATE VIEW good_{table.name} AS SELECT * FROM judged_{table.name} WHERE broken IS NULL")
    _judge_duplicates(con, table)
    _judge_self_references(con, table)
    if table.name == "channels":
        con.execute("SET VARIABLE good_channels = (SELECT coalesce(list(channel), []) FROM good_channels)")


def _judge_duplicates(con: duckdb.DuckDBPyConnection, table: Table) -> None:
    """Of good rows with the same key the first is kept; ties go by all values, so that file order does not matter."""
    key = ", ".join(table.key)
    order = ", ".join(f"{name} NULLS LAST" for name in (*table.first_by, *(c.name for c in table.columns), "row_nr"))
    con.execute(
        f"""
        UPDATE judged_{table.name} SET broken = {len(rules_of(table))} WHERE row_nr IN (
            SELECT row_nr FROM good_{table.name} SEMI JOIN (
                SELECT {key} FROM good_{table.name} GROUP BY ALL HAVING count(*) > 1
            ) USING ({key})
            QUALIFY row_number() OVER (PARTITION BY {key} ORDER BY {order}) > 1
        )
        """
    )


def _judge_self_references(con: duckdb.DuckDBPyConnection, table: Table) -> None:
    """A row that refers to a row of its own table which turned out broken is broken too, and so on."""
    numbered = [(n, rule) for n, rule in enumerate(rules_of(table)) if f"FROM raw_{table.name})" in rule.broken]
    for number, rule in numbered:
        key = table.column(rule.column).references.split(".")[1]
        changed: object = 1
        while changed:
            changed = _one(
                con,
                f"UPDATE judged_{table.name} SET broken = {number} WHERE broken IS NULL AND {rule.column} IS NOT NULL "
                f"AND {rule.column} NOT IN (SELECT {key} FROM good_{table.name})",
            )


def _set_aside(con: duckdb.DuckDBPyConnection, table: Table) -> None:
    rules = [(rule.name, rule.column) for rule in rules_of(table)]
    rules.append((duplicate_rule(table), table.key[-1]))
    have = _raw_types(con, table)
    broken = con.execute(f"SELECT DISTINCT broken FROM judged_{table.name} WHERE broken IS NOT NULL ORDER BY broken")
    for (number,) in broken.fetchall():
        rule, column = rules[number]
        value = f'raw."{column}"::VARCHAR' if column in have else "NULL"
        con.execute(
            f"""
            INSERT INTO set_aside
            SELECT '{table.name}', '{rule}', '{column}', {value}, to_json(raw)
            FROM raw_{table.name} AS raw JOIN judged_{table.name} AS judged ON raw.rowid = judged.row_nr
            WHERE judged.broken = {number} ORDER BY judged.row_nr
            """
        )


def _count(con: duckdb.DuckDBPyConnection, table: Table) -> Count:
    broken = con.execute(
        'SELECT rule, count(*) FROM set_aside WHERE "table" = ? GROUP BY rule ORDER BY rule', [table.name]
    ).fetchall()
    rows_in, kept = (int(str(_one(con, f"SELECT count(*) FROM {name}_{table.name}"))) for name in ("raw", "kept"))
    count = Count(rows_in, kept, {str(rule): int(rows) for rule, rows in broken})
    if count.kept + count.set_aside != count.rows_in:
        raise AssertionError(f"{table.name}: {rows_in} rows came in, {kept} + {count.set_aside} are accounted for")
    return count
