"""What ``make data`` wrote: how much of what, of which time, under which assumptions."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import duckdb

from features.contract import TABLES
from features.domain import Instant
from features.importers.source import Source
from features.instant import format_instant
from features.quarantine import Count


@dataclass(frozen=True, slots=True)
class Manifest:
    """What ``manifest.json`` holds."""

    source: str
    fingerprint: str
    """sha256 over the tables' files: equal for equal data."""
    rows: dict[str, int]
    quarantined: dict[str, dict[str, int]]
    """Rows set aside, by table and rule."""
    begins_at: str
    """First event that is a customer's doing, RFC 3339: before it nothing was recorded."""
    ends_at: str
    """Last of them: outcomes after it are not known."""
    checked_as_of: str
    assumptions: tuple[str, ...]
    limits: tuple[str, ...]


def manifest_of(
    con: duckdb.DuckDBPyConnection, source: Source, counts: dict[str, Count], folder: Path, now: Instant
) -> Manifest:
    """What the tables in a folder hold, which were read from a source and checked as of an instant."""
    span = con.execute(
        "SELECT epoch_us(min(occurred_at)), epoch_us(max(occurred_at)) FROM good_events "
        "WHERE kind NOT IN ('sent', 'delivered')"
    ).fetchone()
    begins, ends = span or (0, 0)
    return Manifest(
        source=source.name,
        fingerprint=_fingerprint(folder),
        rows={name: count.kept for name, count in counts.items()},
        quarantined={name: count.broken for name, count in counts.items() if count.broken},
        begins_at=format_instant(Instant(begins or 0)),
        ends_at=format_instant(Instant(ends or 0)),
        checked_as_of=format_instant(now),
        assumptions=source.assumptions,
        limits=source.limits,
    )


def _fingerprint(folder: Path) -> str:
    digest = hashlib.sha256()
    for table in TABLES:
        digest.update((folder / f"{table.name}.parquet").read_bytes())
    return digest.hexdigest()


def summary(manifest: Manifest) -> str:
    """The manifest for people: rows, rows set aside by rule, assumptions and limits."""
    lines = [f"{manifest.source}: {manifest.begins_at} to {manifest.ends_at}"]
    for name, rows in manifest.rows.items():
        broken = manifest.quarantined.get(name, {})
        aside = ", ".join(f"{rule} {count:,}" for rule, count in broken.items())
        lines.append(f"  {name:<11}{rows:>10,} rows" + (f"; set aside: {aside}" if aside else ""))
    lines += ["Assumed:", *(f"  {sentence}" for sentence in manifest.assumptions)]
    lines += ["What these data cannot tell:", *(f"  {sentence}" for sentence in manifest.limits)]
    return "\n".join([*lines, f"Fingerprint {manifest.fingerprint}"])
