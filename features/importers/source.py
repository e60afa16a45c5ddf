"""What an importer tells about the data it has read, beside the tables themselves."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import duckdb

from features.domain import Channel


@dataclass(frozen=True, slots=True)
class Source:
    """Where the raw tables came from, what was assumed, and what these data cannot tell."""

    name: str
    assumptions: tuple[str, ...]
    """Sentences about values that are not in the data."""
    limits: tuple[str, ...]
    """Sentences that an answer built on these data shows."""


def put_channels(con: duckdb.DuckDBPyConnection, channels: Iterable[Channel]) -> None:
    """Create ``raw_channels`` from these channels."""
    con.execute(
        "CREATE TABLE raw_channels (channel VARCHAR, direction VARCHAR, addressable BOOLEAN, cost_minor DOUBLE, "
        "consent_purpose VARCHAR)"
    )
    rows = [(c.name, str(c.direction), c.addressable, c.cost_minor, c.consent_purpose) for c in channels]
    con.executemany("INSERT INTO raw_channels VALUES (?, ?, ?, ?, ?)", rows)


def cost_sentence(channels: Iterable[Channel]) -> str:
    """The assumed costs per contact, as a sentence."""
    costs = ", ".join(f"{c.name} {c.cost_minor:g}" for c in channels if c.cost_minor > 0)
    return f"Cost of one contact, minor units (assumed): {costs or 'none'}."
