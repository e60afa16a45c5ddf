"""The columns in which states are stored: Feast's views, the Parquet files and the packed value derive from these."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Any

import numpy as np

from features.domain import Instant
from features.rows import PROFILE_VALUES
from features.schema import EVIDENCE_SCHEMA, SCHEMA, Key, Section, fingerprint
from features.state import NEVER, Memory, State, unset

Value = float | int | str | list[float] | list[int] | list[str]
Row = Mapping[str, Value]


class Shape(StrEnum):
    """Type of a stored column; INT and INTS hold int64 microseconds."""

    FLOAT = "float"
    INT = "int"
    TEXT = "text"
    FLOATS = "floats"
    INTS = "ints"
    TEXTS = "texts"


@dataclass(frozen=True, slots=True)
class Column:
    """One stored column."""

    name: str
    shape: Shape
    meaning: str


REFERENCE = Column("reference_us", Shape.INT, "instant to which the sums are aged, microseconds UTC")


def state_columns(schema: tuple[Section, ...]) -> tuple[Column, ...]:
    """Columns of a state: one per slot where a section has no key, three lists where it has one."""
    return (REFERENCE, *(column for section in schema for column in _section_columns(section)))


def _section_columns(section: Section) -> Iterator[Column]:
    if section.key is Key.NONE:
        yield from (Column(f"{section.name}_{s.name}", Shape.FLOAT, s.measure.meaning) for s in section.sums)
        yield from (Column(f"{section.name}_{e.name}_us", Shape.INT, e.measure.meaning) for e in section.extremes)
        return
    yield Column(f"{section.name}_keys", Shape.TEXTS, f"every {section.name} touched, sorted")
    yield Column(f"{section.name}_sums", Shape.FLOATS, f"{len(section.sums)} decayed sums per {section.name}")
    if section.extremes:
        yield Column(f"{section.name}_instants_us", Shape.INTS, f"{len(section.extremes)} instants per {section.name}")


@cache
def _names(section: Section) -> tuple[str, ...]:
    return tuple(column.name for column in _section_columns(section))


@dataclass(frozen=True, slots=True)
class Stored:
    """One stored view: its entity's join key, its columns, and the fingerprint that every packed value carries."""

    name: str
    entity: str
    columns: tuple[Column, ...]
    fingerprint: str

    def __hash__(self) -> int:
        # Views are keys of caches on the way of every read; hashing every column took most of its time.
        return hash(self.name)


ACTIVITY = Stored("activity", "customer_id", state_columns(SCHEMA), fingerprint(SCHEMA))
PROFILE = Stored(
    "profile",
    "customer_id",
    (
        *(Column(name, Shape.FLOAT, f"{name.replace('_', ' ')} as told, NaN if unknown") for name in PROFILE_VALUES),
        Column("member_since_us", Shape.INT, "instant of joining, microseconds UTC"),
        Column("zone", Shape.TEXT, "IANA time zone"),
    ),
    "profile-1",
)
EVIDENCE = Stored("offer_evidence", "offer_id", state_columns(EVIDENCE_SCHEMA), fingerprint(EVIDENCE_SCHEMA))
VIEWS = (ACTIVITY, PROFILE, EVIDENCE)


def state_to_row(state: State, schema: tuple[Section, ...] = SCHEMA) -> dict[str, Value]:
    """The stored columns of a state."""
    row: dict[str, Value] = {REFERENCE.name: int(state.reference)}
    for section, memory in zip(schema, state.memories, strict=True):
        names = _names(section)
        if section.key is Key.NONE:
            sums = memory.sums[0] if memory.keys else np.zeros(len(section.sums))
            instants = memory.instants[0] if memory.keys else unset(section)
            row.update(zip(names, [*sums.tolist(), *instants.tolist()], strict=True))
            continue
        values: list[Any] = [list(memory.keys), memory.sums.ravel().tolist(), memory.instants.ravel().tolist()]
        row.update(zip(names, values[: len(names)], strict=True))
    return row


def state_from_row(row: Row, schema: tuple[Section, ...] = SCHEMA) -> State:
    """The state that ``state_to_row`` wrote; sections without a key come back with one row."""
    return State(Instant(_int(row.get(REFERENCE.name))), tuple(_memory_from_row(row, section) for section in schema))


def _int(value: object) -> int:
    return int(value) if isinstance(value, int | float | np.integer) else NEVER


def _memory_from_row(row: Mapping[str, Any], section: Section) -> Memory:
    names = _names(section)
    n_sums, n_extremes = len(section.sums), len(section.extremes)
    if section.key is Key.NONE:
        keys: tuple[str, ...] = ("",)
        sums = [row[name] for name in names[:n_sums]]
        instants = [row[name] for name in names[n_sums:]]
    else:
        keys, sums = tuple(row[names[0]]), row[names[1]]
        instants = row[names[2]] if section.extremes else []
    return Memory(
        keys,
        np.asarray(sums, dtype=np.float64).reshape(len(keys), n_sums),
        np.asarray(instants, dtype=np.int64).reshape(len(keys), n_extremes),
    )
