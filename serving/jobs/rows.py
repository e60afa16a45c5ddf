"""The rows of an audience: who is meant, and what is wrong with rows that mean nobody."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from features.domain import MAX_ID_LENGTH, CustomerId
from serving.jobs.folder import JobError

COLUMN = "customer_id"
ENDINGS = (".csv", ".ndjson", ".parquet")


@dataclass(frozen=True, slots=True)
class Row:
    """One customer of an audience."""

    number: int
    """Of the row in what was handed in, from 1; a heading is not counted."""
    customer_id: CustomerId


@dataclass(frozen=True, slots=True)
class Flaw:
    """A row that cannot be decided."""

    number: int
    code: str
    """A word for machines that stays the same."""
    why: str
    customer_id: str | None = None


def lines(file: Path) -> Iterator[tuple[int, object]]:
    """The customer of each row of a CSV or NDJSON file, as it stands there; None where the row names none.

    Raises:
        JobError: The file is no such table.
    """
    try:
        with file.open(encoding="utf-8-sig", newline="") as opened:
            yield from _of_csv(opened, file) if file.suffix == ".csv" else _of_ndjson(opened)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise JobError(f"{file.name} cannot be read ({error}): hand in UTF-8 with a column {COLUMN}") from error


def _of_csv(opened: Iterable[str], file: Path) -> Iterator[tuple[int, object]]:
    table = csv.DictReader(opened)
    if COLUMN not in (table.fieldnames or ()):
        raise JobError(f"{file.name} has no column {COLUMN}: name the column of customers so")
    for number, row in enumerate(table, 1):
        yield number, row[COLUMN]


def _of_ndjson(opened: Iterable[str]) -> Iterator[tuple[int, object]]:
    for number, line in enumerate(opened, 1):
        if line.strip():
            try:
                told: Any = json.loads(line)
            except ValueError:
                yield number, None
                continue
            yield number, told.get(COLUMN) if isinstance(told, dict) else told


def checked(told: Iterable[tuple[int, object]]) -> Iterator[Row | Flaw]:
    """Each row, or what is wrong with it. Numbers count as text, as spreadsheets write ids as numbers."""
    for number, value in told:
        text = str(value).strip() if isinstance(value, str | int) and not isinstance(value, bool) else ""
        if not text:
            yield Flaw(number, "no_customer", f"the row names no customer: fill in {COLUMN}")
        elif len(text) > MAX_ID_LENGTH or not text.isprintable():
            yield Flaw(number, "wrong_customer", f"an id has at most {MAX_ID_LENGTH} printable characters")
        else:
            yield Row(number, CustomerId(text))
