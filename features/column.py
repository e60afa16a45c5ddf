"""The words in which the contract for data is written: columns, tables, and how values are stored."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class ColumnType(StrEnum):
    """How values are stored in the normalised Parquet files."""

    TEXT = "text"
    INSTANT = "instant"
    INTEGER = "integer"
    SHORT = "short integer"
    REAL = "real"
    FLAG = "flag"
    LIST = "list of text"


SQL_TYPES = {
    ColumnType.TEXT: "VARCHAR",
    ColumnType.INSTANT: "TIMESTAMP WITH TIME ZONE",
    ColumnType.INTEGER: "BIGINT",
    ColumnType.SHORT: "SMALLINT",
    ColumnType.REAL: "DOUBLE",
    ColumnType.FLAG: "BOOLEAN",
    ColumnType.LIST: "VARCHAR[]",
}


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table. What is not said is not checked."""

    name: str
    type: ColumnType
    meaning: str
    unit: str = ""
    required: bool = False
    default: str = ""
    """SQL over the row's own columns, used where the value is absent; empty where it stays unknown."""
    otherwise: str = ""
    """In words: where an absent value comes from when it needs another table."""
    words: tuple[str, ...] = ()
    """The only words allowed."""
    references: str = ""
    """``table.column`` that must hold the value."""
    at_least: float | None = None
    at_most: float | None = None
    above: float | None = None
    past: bool = False
    """True when the instant may not lie in the future."""


@dataclass(frozen=True, slots=True)
class Table:
    """One table: a file ``<name>.parquet``, ``<name>.csv`` or ``<name>.ndjson``."""

    name: str
    meaning: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    """Columns that identify a row; of rows that share them, one is kept."""
    first_by: tuple[str, ...] = ()
    """Which of the rows that share the key is kept: the smallest by these columns, nulls last."""
    required: bool = True
    word: str = ""
    """What one row is called."""

    def column(self, name: str) -> Column:
        """The column of that name; KeyError when there is none."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(f"table {self.name} has no column {name}")
