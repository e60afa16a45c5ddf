"""Who is meant by an audience, written down once at the beginning of a job: it then stays what it is."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from features.domain import CustomerId
from serving.jobs.folder import Folder, JobError, replace
from serving.jobs.order import Audience
from serving.jobs.rows import ENDINGS, Flaw, Row, checked, lines

Told = Iterable[tuple[int, object]]
"""Numbers of rows, from 1, with the customer as each row names it."""


@dataclass(frozen=True, slots=True)
class Member:
    """One customer of an audience."""

    place: int
    """Of the customer in the table of scores, from 0; it stays when others are erased."""
    row: int
    customer_id: CustomerId


def told(
    audience: Audience, files: Path, everybody: Callable[[], Iterable[CustomerId]], table: Callable[[Path], Told]
) -> Told:
    """The rows of an audience as they were handed in; those of a condition are everybody, to be asked for it.

    Args:
        files: The folder that files of audiences lie in, by name.
        everybody: All customers who are known.
        table: Reads a Parquet file.

    Raises:
        JobError: There is no such file, or it is no table.
    """
    if audience.file is None:
        return enumerate(everybody(), 1)
    file = files / audience.file
    if file.suffix not in ENDINGS:
        raise JobError(f"{audience.file} is no table: hand in {', '.join(ENDINGS)}")
    return table(file) if file.suffix == ".parquet" else lines(file)


def settle(
    folder: Folder, rows: Told, whose: Callable[[CustomerId], CustomerId | None], wanted: Callable[[CustomerId], bool]
) -> None:
    """Write down who is decided for, and what is wrong with the other rows.

    Args:
        whose: Who a customer is now; None for a name that cannot be one.
        wanted: False for those whom the condition leaves out.
    """
    seen: set[CustomerId] = set()
    members, flaws = list[Member](), list[Flaw]()
    for each in checked(rows):
        found = _member(each, len(members), whose, seen)
        if isinstance(found, Flaw):
            flaws.append(found)
        elif wanted(found.customer_id):
            members.append(found)
            seen.add(found.customer_id)
    write_flaws(folder, flaws)
    replace(folder.audience, "".join(f"{json.dumps(asdict(member))}\n" for member in members))


def _member(
    row: Row | Flaw, place: int, whose: Callable[[CustomerId], CustomerId | None], seen: set[CustomerId]
) -> Member | Flaw:
    if isinstance(row, Flaw):
        return row
    customer_id = whose(row.customer_id)
    if customer_id is None:
        return Flaw(row.number, "wrong_customer", "this cannot be the id of a customer")
    if customer_id in seen:
        return Flaw(row.number, "duplicate", "another row means the same customer", row.customer_id)
    return Member(place, row.number, customer_id)


def members(folder: Folder) -> list[Member]:
    """Those decided for, without those who were erased since."""
    return [Member(**each) for each in _read(folder.audience)]


def flaws(folder: Folder) -> list[Flaw]:
    """What is wrong with rows, by row."""
    return [Flaw(**each) for each in _read(folder.errors)]


def write_flaws(folder: Folder, found: Iterable[Flaw]) -> None:
    """Write down what is wrong with rows, the last word about each."""
    by_row = {flaw.number: flaw for flaw in found}
    replace(folder.errors, "".join(f"{json.dumps(asdict(by_row[row]))}\n" for row in sorted(by_row)))


def _read(file: Path) -> Iterator[dict[str, Any]]:
    with file.open(encoding="utf-8") as opened:
        yield from (json.loads(line) for line in opened)
