"""Removes a customer from the batch files of a source: Parquet (predictions too), rows set aside, packed values.

Run by the service with ``{"folders": [...], "customer_ids": [...], "names": [[namespace, value], ...],
"online": address or null}`` on its input.
Importing again from data that still hold the customer brings the customer back: they are the caller's to clear.
"""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from features.domain import CustomerId
from serving.identity.identity import Identity, identity
from serving.identity.namespace import IdentityError
from serving.jobs.manifest import renew
from serving.packed_file import PROJECT
from serving.values import SqliteValues


@dataclass(frozen=True, slots=True)
class Erased:
    """Under what to look for the erased."""

    customer_ids: frozenset[CustomerId]
    names: frozenset[Identity] = frozenset()


def erase_files(folder: Path, erased: Erased, online: str | None = None) -> int:
    """Remove every row about the erased from the files of a source; returns how many rows went.

    ``online`` is the address of the online store where that is no file. Each file is replaced as a whole, and only
    where it held such a row.
    """
    erase_one = {".parquet": _erase_parquet, ".ndjson": _erase_lines, ".csv": _erase_csv}
    gone = {
        file: erase_one[file.suffix](file, erased) for file in sorted(folder.rglob("*.*")) if file.suffix in erase_one
    }
    for manifest in folder.glob("jobs/*/manifest.json"):
        renew(manifest, {file.name: rows for file, rows in gone.items() if file.parent == manifest.parent})
    file = folder / "feast" / "online.db"
    if file.exists():
        with closing(SqliteValues(file)) as values:
            values.forget(erased.customer_ids)
            values.compact()
    if online is not None and file.parent.exists():
        from serving.redis_values import RedisValues  # its client is installed where it is used

        RedisValues(online, PROJECT, folder.name).forget(erased.customer_ids)
    return sum(gone.values())


def _erase_parquet(file: Path, erased: Erased) -> int:
    with pq.ParquetFile(file) as opened:
        if "customer_id" not in opened.schema_arrow.names:
            return 0
        columns = [name for name in ("customer_id", "namespace", "value") if name in opened.schema_arrow.names]
        stays = _stays(opened.read(columns), erased)
        gone = len(stays) - int(pc.sum(stays).as_py() or 0)
        if gone:
            fresh = file.with_name(file.name + ".new")
            with pq.ParquetWriter(fresh, opened.schema_arrow, compression="zstd") as writer:
                start = 0
                for number in range(opened.num_row_groups):
                    rows = opened.read_row_group(number)
                    writer.write_table(rows.filter(stays.slice(start, rows.num_rows)))
                    start += rows.num_rows
            fresh.replace(file)
    return gone


def _stays(rows: pa.Table, erased: Erased) -> Any:
    """True for each row that is not about the erased."""
    ids = pa.array(sorted(erased.customer_ids), type=pa.string())
    stays = pc.invert(pc.is_in(rows["customer_id"], value_set=ids))
    if "namespace" in rows.column_names:
        named = zip(rows["namespace"].to_pylist(), rows["value"].to_pylist(), strict=True)
        stays = pc.and_(stays, pa.array([not _means(erased, *each) for each in named], type=pa.bool_()))
    return stays


def _means(erased: Erased, namespace: str, value: str) -> bool:
    """True for a name of the erased; files hold names as they came, which may be before hashing."""
    try:
        return identity(namespace, value) in erased.names
    except IdentityError:
        return False


def _erase_lines(file: Path, erased: Erased) -> int:
    """Remove the rows set aside that hold an id or a name of the erased, in whatever column."""
    words = {*erased.customer_ids, *(name.value for name in erased.names)}
    lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
    kept = [line for line in lines if line.strip() and words.isdisjoint(_words(json.loads(line)))]
    if len(kept) < len(lines):
        fresh = file.with_name(file.name + ".new")
        fresh.write_text("".join(kept), encoding="utf-8")
        fresh.replace(file)
    return len(lines) - len(kept)


def _erase_csv(file: Path, erased: Erased) -> int:
    """Remove the rows that hold an id or a name of the erased, in whatever column."""
    words = {*erased.customer_ids, *(name.value for name in erased.names)}
    with file.open(encoding="utf-8-sig", newline="") as opened:
        rows = list(csv.reader(opened))
    kept = [row for row in rows if words.isdisjoint(cell.strip() for cell in row)]
    if len(kept) < len(rows):
        fresh = file.with_name(file.name + ".new")
        with fresh.open("w", encoding="utf-8", newline="") as opened:
            csv.writer(opened).writerows(kept)
        fresh.replace(file)
    return len(rows) - len(kept)


def _words(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for each in value.values():
            yield from _words(each)
    elif isinstance(value, list):
        for each in value:
            yield from _words(each)
    elif value is not None:
        yield str(value).strip()


def main(asked: TextIO) -> int:
    """Run what is asked; 0 when nothing about the customer is left in the files."""
    told: dict[str, Any] = json.load(asked)
    names = frozenset(Identity(namespace, value) for namespace, value in told["names"])
    erased = Erased(frozenset(CustomerId(each) for each in told["customer_ids"]), names)
    for folder in told["folders"]:
        erase_files(Path(folder), erased, told["online"])
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.stdin))
