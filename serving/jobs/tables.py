"""Audiences and results as Parquet. Arrow stands here and nowhere else in serving, outside the process that serves."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from serving.jobs.folder import JobError
from serving.jobs.rows import COLUMN

ROWS = 20_000
"""Rows that are held in memory at a time."""
TYPES: Mapping[type, Any] = {str: pa.string(), int: pa.int64(), float: pa.float64(), bool: pa.bool_()}


def customers(file: Path) -> Iterator[tuple[int, object]]:
    """The customer of each row of a Parquet file.

    Raises:
        JobError: The file is no such table.
    """
    try:
        with pq.ParquetFile(file) as opened:
            if COLUMN not in opened.schema_arrow.names:
                raise JobError(f"{file.name} has no column {COLUMN}: name the column of customers so")
            number = 0
            for batch in opened.iter_batches(ROWS, columns=[COLUMN]):
                for value in batch.column(0).to_pylist():
                    number += 1
                    yield number, value
    except (OSError, pa.ArrowException) as error:
        raise JobError(f"{file.name} cannot be read ({error}): hand in a Parquet file") from error


def write(file: Path, rows: Iterable[Mapping[str, Any]], columns: Mapping[str, type]) -> int:
    """Write rows with these columns, each nullable; returns how many."""
    schema = pa.schema([(name, TYPES[kind]) for name, kind in columns.items()])
    written, held = 0, list[Mapping[str, Any]]()
    with pq.ParquetWriter(file, schema, compression="zstd") as writer:

        def flush() -> None:
            writer.write_table(pa.Table.from_pylist(held, schema=schema))
            held.clear()

        for row in rows:
            held.append(row)
            written += 1
            if len(held) == ROWS:
                flush()
        if held:
            flush()
    return written
