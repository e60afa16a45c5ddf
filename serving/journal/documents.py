"""Every version of a document that was ever in force, with who brought it and when."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, insert, select

from features.domain import Instant
from serving.journal.schema import DOCUMENTS


@dataclass(frozen=True, slots=True)
class Version:
    """A document as it came into force."""

    name: str
    """``policy``, ``offers``, ``personas``, ``catalogue`` for the catalogue with its offers laid over it, or
    ``evidence`` for what all customers had shown of every offer."""
    fingerprint: str
    body: str
    """JSON."""
    at: Instant
    by: str


def keep_version(connection: Connection, version: Version) -> bool:
    """Add a version, unless it is the one that came last; True where it was added.

    Whoever may not be alone takes the turn of the transaction first.
    """
    last = select(DOCUMENTS.c.fingerprint).where(DOCUMENTS.c.name == version.name)
    if connection.execute(last.order_by(DOCUMENTS.c.document_id.desc()).limit(1)).scalar() == version.fingerprint:
        return False
    row = {"name": version.name, "fingerprint": version.fingerprint, "body": version.body}
    connection.execute(insert(DOCUMENTS), {**row, "at_us": version.at, "by": version.by})
    return True


def keep_once(connection: Connection, version: Version) -> None:
    """Add a version, unless it was in force before."""
    if version_of(connection, version.fingerprint) is None:
        row = {"name": version.name, "fingerprint": version.fingerprint, "body": version.body}
        connection.execute(insert(DOCUMENTS), {**row, "at_us": version.at, "by": version.by})


def version_of(connection: Connection, fingerprint: str) -> Version | None:
    """The version of this fingerprint, as it came into force first."""
    rows = select(DOCUMENTS).where(DOCUMENTS.c.fingerprint == fingerprint).order_by(DOCUMENTS.c.document_id).limit(1)
    row = connection.execute(rows).first()
    return None if row is None else _version(row)


def versions(
    connection: Connection, name: str, before: int | None = None, most: int = 1
) -> Sequence[tuple[int, Version]]:
    """The latest versions of a document with their numbers, newest first; below number ``before`` only."""
    rows = select(DOCUMENTS).where(DOCUMENTS.c.name == name).order_by(DOCUMENTS.c.document_id.desc()).limit(most)
    if before is not None:
        rows = rows.where(DOCUMENTS.c.document_id < before)
    return [(row.document_id, _version(row)) for row in connection.execute(rows)]


def _version(row: Row[Any]) -> Version:
    return Version(row.name, row.fingerprint, row.body, Instant(row.at_us), row.by)


def bodies(connection: Connection, name: str) -> Iterator[str]:
    """The body of every different version of a document, the latest first."""
    seen: set[str] = set()
    columns = (DOCUMENTS.c.fingerprint, DOCUMENTS.c.body)
    rows = select(*columns).where(DOCUMENTS.c.name == name).order_by(DOCUMENTS.c.document_id.desc())
    for row in connection.execute(rows):
        if row.fingerprint not in seen:
            seen.add(row.fingerprint)
            yield row.body
