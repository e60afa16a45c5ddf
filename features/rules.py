"""The rules a row must keep. Each is derived from a column of the contract, or stands in :data:`BETWEEN_COLUMNS`.

A rule is a name and an SQL condition that is true for a row that breaks it. Conditions see the row as it came
(``raw_<column>``) and as it was read (``<column>``, NULL where unreadable), both from :mod:`features.quarantine`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from features.column import Column, ColumnType, Table
from features.contract import ID_COLUMNS
from features.domain import MAX_ID_LENGTH

EARLIEST = "1990-01-01T00:00:00Z"
"""Instants before it are taken for broken clocks and missing values written as 0."""

_SINGULAR = {"customers": "customer", "channels": "channel", "offers": "offer"}


@dataclass(frozen=True, slots=True)
class Rule:
    """One reason for which a row is set aside."""

    name: str
    column: str
    broken: str
    """SQL condition, true for a row that breaks the rule; NULL counts as false."""


BETWEEN_COLUMNS = {
    "customers": (Rule("unknown_zone", "zone", "zone NOT IN (SELECT name FROM pg_timezone_names())"),),
    "offers": (Rule("validity_reversed", "valid_to", "valid_to < valid_from"),),
    "decisions": (Rule("channel_without_offer", "channel", "channel IS NOT NULL AND offer_id IS NULL"),),
}
"""Rules that no single column can tell."""


def rules_of(table: Table) -> tuple[Rule, ...]:
    """The table's rules, in the order in which they are tried; the first broken one names the row's fault."""
    derived = tuple(rule for column in table.columns for rule in _column_rules(table, column))
    return derived + BETWEEN_COLUMNS.get(table.name, ())


def duplicate_rule(table: Table) -> str:
    """The name under which second rows with the same key are set aside."""
    return f"duplicate_{table.word}"


def rule_names(table: Table) -> tuple[str, ...]:
    """Every name under which a row of this table can be set aside."""
    return (*dict.fromkeys(rule.name for rule in rules_of(table)), duplicate_rule(table))


def _column_rules(table: Table, column: Column) -> Iterator[Rule]:
    name, raw = column.name, f"raw_{column.name}"
    if column.required:
        yield Rule(f"missing_{name}", name, _blank(column, raw))
    if column.type is not ColumnType.TEXT:
        yield Rule(f"unreadable_{name}", name, f"{name} IS NULL AND NOT ({_blank(column, raw)})")
    if name in ID_COLUMNS:
        yield Rule(f"too_long_{name}", name, f"length({name}) > {MAX_ID_LENGTH}")
    if column.words:
        words = ", ".join(f"'{word}'" for word in column.words)
        yield Rule(f"unknown_{name}", name, f"{name} NOT IN ({words})")
    if column.references:
        yield from _reference_rules(table, column)
    yield from _range_rules(column)
    if column.type is ColumnType.INSTANT:
        yield Rule(f"before_1990_{name}", name, f"{name} < TIMESTAMPTZ '{EARLIEST}'")
    if column.past:
        yield Rule(f"in_the_future_{name}", name, f"{name} > getvariable('latest')")


def _blank(column: Column, raw: str) -> str:
    if column.type is ColumnType.LIST:
        return f"{raw} IS NULL OR trim({raw}::VARCHAR) IN ('', '[]')"
    return f"{raw} IS NULL OR trim({raw}::VARCHAR) = ''"


def _reference_rules(table: Table, column: Column) -> Iterator[Rule]:
    target, key = column.references.split(".")
    name = f"unknown_{column.name if key == 'kind' else _SINGULAR[target]}"
    if column.type is ColumnType.LIST:
        known = f"getvariable('good_{target}')"
        broken = f"len(list_filter({column.name}, lambda each: NOT list_contains({known}, each))) > 0"
    else:
        # A table cannot ask itself which of its rows are good: there, the rows as they came are asked.
        known = f"{key}::VARCHAR FROM raw_{target}" if target == table.name else f"{key} FROM good_{target}"
        broken = f"{column.name} IS NOT NULL AND {column.name} NOT IN (SELECT {known})"
    yield Rule(name, column.name, broken)


def _range_rules(column: Column) -> Iterator[Rule]:
    name = column.name
    if column.at_least is not None:
        word = f"negative_{name}" if column.at_least == 0 else f"too_small_{name}"
        yield Rule(word, name, f"{name} < {column.at_least}")
    if column.above is not None:
        yield Rule(f"not_above_{column.above:g}_{name}", name, f"{name} <= {column.above}")
    if column.at_most is not None:
        yield Rule(f"too_large_{name}", name, f"{name} > {column.at_most}")
