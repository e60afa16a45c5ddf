"""The contract for data as a page for readers."""

from __future__ import annotations

from features.column import Column, ColumnType
from features.contract import ID_COLUMNS, TABLES
from features.domain import MAX_ID_LENGTH


def _range(column: Column) -> list[str]:
    low, high = column.at_least, column.at_most
    bounds = [] if low is None else [f"≥ {low:g}"]
    bounds += [] if column.above is None else [f"> {column.above:g}"]
    return bounds + ([] if high is None else [f"≤ {high:g}"])


def _demands(column: Column) -> str:
    """What a value must satisfy, in words."""
    demands = _range(column)
    if column.words:
        demands.append("one of " + ", ".join(f"`{word}`" for word in column.words))
    if column.references:
        demands.append(f"in `{column.references}`")
    if column.name in ID_COLUMNS:
        demands.append(f"≤ {MAX_ID_LENGTH} characters")
    if column.type is ColumnType.INSTANT:
        demands.append("1990 or later")
    if column.past:
        demands.append("not after tomorrow")
    return ", ".join(demands)


def _absent(column: Column) -> str:
    """What holds where the value is absent, in words."""
    if column.required:
        return "required"
    return column.otherwise or (f"`{column.default}`" if column.default else "unknown")


def contract_markdown() -> str:
    """The contract as Markdown: one section with one table of columns per table."""
    parts = []
    for each in TABLES:
        need = "required" if each.required else "optional"
        parts += [f"#### `{each.name}` ({need})", "", each.meaning, ""]
        parts += ["| column | type | unit | meaning | must be | where absent |", "|---|---|---|---|---|---|"]
        parts += [
            f"| `{c.name}` | {c.type} | {c.unit} | {c.meaning} | {_demands(c)} | {_absent(c)} |" for c in each.columns
        ]
        parts += ["", f"Identified by {', '.join(f'`{name}`' for name in each.key)}.", ""]
    return "\n".join(parts).rstrip() + "\n"
