"""What a history means, written straight from the definition: one plain loop per event, nothing shared with the code.

Slow on purpose. Only the declarations of what is remembered (the sections) are taken from the product.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta, timezone
from typing import Any

import numpy as np

from features.domain import Event, Instant
from features.schema import SCHEMA, Section
from features.state import Memory, State

Remembered = dict[tuple[str, str], tuple[list[float], list[int | None]]]
"""By section and key: every sum, and every instant, None where it never happened."""
DAY_US = 86_400_000_000


def remembered(
    events: Iterable[Event],
    at: int,
    schema: tuple[Section, ...] = SCHEMA,
    categories: frozenset[str] | None = None,
) -> Remembered:
    """What was known at ``at``, every sum as it stands then. Events must be deduplicated."""
    found: Remembered = {}
    for event in events:
        if event.received_at > at:
            continue
        counts_at = min(event.occurred_at, event.received_at)
        for section in schema:
            key = _key(event, counts_at, section, categories)
            if key is None or not _leaves_a_trace(event, section):
                continue
            sums, instants = found.setdefault(
                (section.name, key), ([0.0] * len(section.sums), [None] * len(section.extremes))
            )
            for i, each in enumerate(section.sums):
                if event.kind in each.measure.kinds:
                    amount = 1 if each.measure.amount == "one" else getattr(event, each.measure.amount) or 0
                    sums[i] += amount * 2.0 ** (-((at - counts_at) / DAY_US) / each.half_life_days)
            for i, extreme in enumerate(section.extremes):
                if event.kind in extreme.measure.kinds:
                    before = instants[i]
                    choose = min if extreme.earliest else max
                    instants[i] = counts_at if before is None else choose(before, counts_at)
    return found


def _leaves_a_trace(event: Event, section: Section) -> bool:
    return any(event.kind in declared.measure.kinds for declared in (*section.sums, *section.extremes))


def _key(event: Event, counts_at: int, section: Section, categories: frozenset[str] | None) -> str | None:
    zone = timezone(timedelta(minutes=event.utc_offset_min))
    wall = (datetime(1970, 1, 1, tzinfo=zone.utc) + timedelta(microseconds=counts_at)).astimezone(zone)
    if section.key == "none":
        return ""
    if section.key == "hour":
        return wall.strftime("%H")
    if section.key == "weekday":
        return str(wall.weekday())
    if section.key == "category" and event.category is not None and categories is not None:
        return event.category if event.category in categories else "other"
    found: str | None = getattr(event, section.key)
    return found


def of_state(state: State, at: int, schema: tuple[Section, ...] = SCHEMA) -> Remembered:
    """A state in the same form, read as of ``at``. A row of a section without key in which nothing happened is none."""
    found: Remembered = {}
    for section, memory in zip(schema, state.memories, strict=True):
        for key, sums, instants in zip(memory.keys, memory.sums.tolist(), memory.instants.tolist(), strict=True):
            days = (at - state.reference) / DAY_US
            aged = [value * 2.0 ** (-days / s.half_life_days) for s, value in zip(section.sums, sums, strict=True)]
            happened = [None if abs(instant) >= 2**63 - 1 else instant for instant in instants]
            if section.key != "none" or any(aged) or any(instant is not None for instant in happened):
                found[section.name, key] = (aged, happened)
    return found


def to_state(found: Remembered, at: Instant, schema: tuple[Section, ...] = SCHEMA) -> State:
    """The state that holds exactly this."""
    memories = []
    for section in schema:
        keys = tuple(sorted(key for name, key in found if name == section.name))
        sums = np.array([found[section.name, key][0] for key in keys], dtype=np.float64)
        unset = [2**63 - 1 if e.earliest else -(2**63) for e in section.extremes]
        instants = [
            [
                nothing if at_us is None else at_us
                for at_us, nothing in zip(found[section.name, key][1], unset, strict=True)
            ]
            for key in keys
        ]
        memories.append(
            Memory(
                keys,
                sums.reshape(len(keys), len(section.sums)),
                np.array(instants, dtype=np.int64).reshape(len(keys), len(section.extremes)),
            )
        )
    return State(at, tuple(memories))


def same(left: Remembered, right: Remembered, relative: float = 1e-9, absolute: float = 1e-12) -> bool:
    """True when both remember the same: equal keys and instants, sums within the tolerance."""
    if left.keys() != right.keys():
        return False
    return all(
        left[place][1] == right[place][1] and np.allclose(left[place][0], right[place][0], rtol=relative, atol=absolute)
        for place in left
    )


def event_of(row: dict[str, Any]) -> Event:
    """The event of a row with the columns of the contract, instants in microseconds."""
    names = Event.__dataclass_fields__
    return Event(**{name: value for name, value in row.items() if name in names})
