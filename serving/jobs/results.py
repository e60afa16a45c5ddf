"""What a job decided, as rows of a file: one for each offer, and one for each customer to whom nothing is said."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TextIO

COLUMNS: Mapping[str, type] = {
    "row": int,
    "customer_id": str,
    "decision_id": str,
    "follow_up": bool,
    "rank": int,
    "offer_id": str,
    "name": str,
    "channel": str,
    "moment": str,
    "contact_id": str,
    "confirm_before": str,
    "probability": float,
    "score_minor": float,
    "title": str,
    "body": str,
    "silence": str,
}
"""Of the results. ``row`` is that of the audience, empty for follow-ups; ``silence`` says why nothing is offered."""
FLAWS: Mapping[str, type] = {"row": int, "customer_id": str, "code": str, "why": str}
"""Columns of the errors."""
Write = Callable[[Path, Iterable[Mapping[str, Any]], Mapping[str, type]], int]
"""Writes rows with these columns into a file and returns how many."""


def rows(answer: Mapping[str, Any], number: int | None) -> Iterator[dict[str, Any]]:
    """The rows of one answer, as it went over the wire."""
    whose = {"row": number, "customer_id": answer["customer_id"], "decision_id": answer["decision_id"]}
    whose["follow_up"] = number is None
    empty = dict.fromkeys(COLUMNS)
    if not answer["items"]:
        yield {**empty, **whose, "silence": answer["silence"]["reason"]}
    for item in answer["items"]:
        wording = item.get("wording") or {}
        told = {name: item.get(name) for name in COLUMNS if name in item}
        yield {**empty, **told, **whose, "title": wording.get("title"), "body": wording.get("body")}


def write_csv(file: Path, given: Iterable[Mapping[str, Any]], columns: Mapping[str, type]) -> int:
    """CSV with a heading, UTF-8; what is not known is empty."""
    with file.open("w", encoding="utf-8", newline="") as opened:
        table = csv.DictWriter(opened, columns)
        table.writeheader()
        return _count(opened, map(table.writerow, given))


def write_ndjson(file: Path, given: Iterable[Mapping[str, Any]], columns: Mapping[str, type]) -> int:
    """One JSON object a line."""
    with file.open("w", encoding="utf-8") as opened:
        lines = (json.dumps({name: row[name] for name in columns}, ensure_ascii=False) + "\n" for row in given)
        return _count(opened, map(opened.write, lines))


def _count(opened: TextIO, written: Iterable[object]) -> int:
    count = sum(1 for _ in written)
    opened.flush()
    os.fsync(opened.fileno())
    return count


def put(file: Path, given: Iterable[Mapping[str, Any]], columns: Mapping[str, type], write: Write) -> int:
    """Write a file that appears only when it is whole; returns its rows."""
    fresh = file.with_name(f".{file.name}.{os.getpid()}")
    count = write(fresh, given, columns)
    fresh.replace(file)
    return count
