"""A folder of one's own in the form of the contract: one Parquet, CSV or NDJSON file per table."""

from __future__ import annotations

import csv
from pathlib import Path

import duckdb

from features.channels import DEFAULT_CHANNELS
from features.column import Table
from features.contract import TABLES
from features.errors import ContractError
from features.importers.source import Source, cost_sentence, put_channels
from features.quarantine import require_columns

SUFFIXES = (".parquet", ".csv", ".ndjson")

_LIMITS = ("What the channels can tell depends on how contacts were chosen: give `probability` where it is known.",)


def load_files(con: duckdb.DuckDBPyConnection, folder: Path) -> Source:
    """Fill ``raw_*`` from the folder; the default channels where it has no table of channels.

    Raises ContractError naming the file and the remedy when a table is missing, given twice, empty or unreadable.
    """
    if not folder.is_dir():
        raise ContractError(f"{folder} is not a folder: name the folder that holds customers.parquet (.csv, .ndjson) …")
    assumptions = []
    for table in TABLES:
        path = _find(folder, table)
        if path is not None:
            _read(con, table, path)
            require_columns(con, table, str(path))
            assumptions += _ignored(con, table, path)
        elif table.name == "channels":
            put_channels(con, DEFAULT_CHANNELS)
            assumptions.append(cost_sentence(DEFAULT_CHANNELS))
    return Source("files", tuple(assumptions), _LIMITS)


def _find(folder: Path, table: Table) -> Path | None:
    found = [path for suffix in SUFFIXES if (path := folder / f"{table.name}{suffix}").is_file()]
    if len(found) > 1:
        raise ContractError(f"{found[0]} and {found[1].name} both hold {table.name}: leave one of them")
    if not found and table.required:
        raise ContractError(
            f"{folder / table.name}.parquet (.csv, .ndjson) is missing: {table.meaning} Write it as the contract says"
        )
    return found[0] if found else None


def _read(con: duckdb.DuckDBPyConnection, table: Table, path: Path) -> None:
    if path.stat().st_size == 0:
        raise ContractError(f"{path} is empty: write a header and rows of {table.name}, or remove the file")
    try:
        relation = _relation(con, path)
        con.execute(f"CREATE TABLE raw_{table.name} AS SELECT * FROM {relation}")
    except (duckdb.Error, UnicodeDecodeError) as error:
        reason = str(error).strip().split("\n")[0]
        raise ContractError(f"{path} cannot be read as {path.suffix[1:]} ({reason}): mend or replace it") from error


def _relation(con: duckdb.DuckDBPyConnection, path: Path) -> str:
    """SQL that reads the file. Text formats come as text: what it means is for the contract, not for guessing."""
    name = "'" + str(path).replace("'", "''") + "'"
    if path.suffix == ".parquet":
        return f"read_parquet({name})"
    if path.suffix == ".csv":
        # Detection would take a stray row for the header and skip what stands above it.
        form = "auto_detect = false, header = true, delim = ',', quote = '\"', escape = '\"'"
        return f"read_csv({name}, {form}, columns = {_text_columns(_csv_header(path))})"
    sniffed = con.execute(
        f"DESCRIBE SELECT * FROM read_json({name}, format = 'newline_delimited', maximum_depth = 1, sample_size = -1)"
    ).fetchall()
    columns = _text_columns([str(row[0]) for row in sniffed])
    return f"read_json({name}, format = 'newline_delimited', columns = {columns})"


def _csv_header(path: Path) -> list[str]:
    with path.open(newline="", encoding="utf-8-sig") as file:
        return [name.strip() for name in next(csv.reader(file), [])]


def _text_columns(names: list[str]) -> str:
    quoted = [name.replace("'", "''") for name in names]
    return "{" + ", ".join(f"'{name}': 'VARCHAR'" for name in quoted) + "}"


def _ignored(con: duckdb.DuckDBPyConnection, table: Table, path: Path) -> list[str]:
    known = {column.name for column in table.columns}
    have = [str(row[0]) for row in con.execute(f"DESCRIBE raw_{table.name}").fetchall()]
    extra = [name for name in have if name not in known]
    return [f"{path.name}: columns {', '.join(extra)} are not in the contract and were not used."] if extra else []
