"""Adds single events to a state: the live half of every feature."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache

import numpy as np

from features.domain import OTHER, Event, Instant
from features.schema import SCHEMA, Amount, Key, Section
from features.state import Floats, Instants, Memory, State, aged, decay, extreme, unset

HOURS_PER_DAY = 24
DAYS_PER_WEEK = 7
THURSDAY = 3
"""1970-01-01 was a Thursday; weekday 0 is Monday."""
_MINUTE_US = 60_000_000


def local_hour(event: Event) -> int:
    """Hour of the customer's wall clock at which the event counts, 0 to 23."""
    return (event.counts_at // _MINUTE_US + event.utc_offset_min) // 60 % HOURS_PER_DAY


def local_weekday(event: Event) -> int:
    """Day of the customer's week at which the event counts, Monday 0 to Sunday 6."""
    days = (event.counts_at // _MINUTE_US + event.utc_offset_min) // (60 * HOURS_PER_DAY)
    return (days + THURSDAY) % DAYS_PER_WEEK


def key_of(event: Event, key: Key, categories: frozenset[str] | None = None) -> str | None:
    """The key an event is remembered under, None where it has none.

    ``categories`` is the configured vocabulary; any other category is remembered as ``other``. None allows all.
    """
    category = event.category
    if category is not None and categories is not None and category not in categories:
        category = OTHER
    found: dict[Key, Callable[[], str | None]] = {
        Key.NONE: lambda: "",
        Key.CATEGORY: lambda: category,
        Key.OFFER: lambda: event.offer_id,
        Key.CHANNEL: lambda: event.channel,
        Key.HOUR: lambda: f"{local_hour(event):02d}",
        Key.WEEKDAY: lambda: str(local_weekday(event)),
    }
    return found[key]()


@cache
def _counted(section: Section) -> dict[str, Floats]:
    """Per kind of event: 1 for each sum that counts it, ``[n_sums]``."""
    return {kind: np.array([float(kind in s.measure.kinds) for s in section.sums]) for kind in section.kinds}


@cache
def _touched(section: Section) -> dict[str, np.ndarray[tuple[int], np.dtype[np.bool_]]]:
    return {
        kind: np.array([kind in e.measure.kinds for e in section.extremes], dtype=np.bool_) for kind in section.kinds
    }


@cache
def _amounts(section: Section) -> tuple[list[int], list[int]]:
    """Places of the sums that add money paid and money saved."""
    paid = [i for i, s in enumerate(section.sums) if s.measure.amount is Amount.VALUE]
    saved = [i for i, s in enumerate(section.sums) if s.measure.amount is Amount.DISCOUNT]
    return paid, saved


def trace(section: Section, event: Event) -> tuple[Floats, Instants]:
    """What one event adds to its row: undecayed sums ``[n_sums]`` and extremes ``[n_extremes]``."""
    added = _counted(section)[event.kind].copy()
    paid, saved = _amounts(section)
    added[paid] *= event.value_minor or 0
    added[saved] *= event.discount_minor or 0
    return added, np.where(_touched(section)[event.kind], event.counts_at, unset(section))


def fold(
    state: State,
    events: Iterable[Event],
    schema: tuple[Section, ...] = SCHEMA,
    categories: frozenset[str] | None = None,
) -> State:
    """The state after these events, in any order. Events must be deduplicated: each one given is counted."""
    fresh = list(events)
    if not fresh:
        return state
    reference = Instant(max(state.reference, *(event.counts_at for event in fresh)))
    state = aged(state, reference, schema)
    return State(
        reference,
        tuple(
            _fold_rows(section, memory, fresh, reference, categories)
            for section, memory in zip(schema, state.memories, strict=True)
        ),
    )


def _fold_rows(
    section: Section,
    memory: Memory,
    events: list[Event],
    reference: Instant,
    categories: frozenset[str] | None,
) -> Memory:
    rows = {key: (memory.sums[i].copy(), memory.instants[i]) for i, key in enumerate(memory.keys)}
    for event in events:
        key = key_of(event, section.key, categories) if event.kind in section.kinds else None
        if key is None:
            continue
        sums, instants = rows.get(key) or (np.zeros(len(section.sums)), unset(section))
        added, touched = trace(section, event)
        sums += added * decay(section, reference - event.counts_at)
        rows[key] = sums, extreme(section, instants, touched)
    if not rows:
        return memory
    keys = tuple(sorted(rows))
    return Memory(keys, np.stack([rows[k][0] for k in keys]), np.stack([rows[k][1] for k in keys]))
