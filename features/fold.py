"""Adds single events to a state: the live half of every feature."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache

import numpy as np

from features.domain import OTHER, Event, Instant, Kind
from features.schema import SCHEMA, Amount, Key, Section
from features.state import Floats, Instants, Memory, State, aged, decay, unset

HOURS_PER_DAY = 24
DAYS_PER_WEEK = 7
THURSDAY = 3
"""1970-01-01 was a Thursday; weekday 0 is Monday."""
_MINUTE_US = 60_000_000


def local_hour(event: Event) -> int:
    """Hour of the customer's wall clock at which the event counts, 0 to 23."""
    return (event.counts_at // _MINUTE_US + (event.utc_offset_min or 0)) // 60 % HOURS_PER_DAY


def local_weekday(event: Event) -> int:
    """Day of the customer's week at which the event counts, Monday 0 to Sunday 6."""
    days = (event.counts_at // _MINUTE_US + (event.utc_offset_min or 0)) // (60 * HOURS_PER_DAY)
    return (days + THURSDAY) % DAYS_PER_WEEK


def key_of(event: Event, key: Key, categories: frozenset[str] | None = None) -> str | None:
    """The key an event is remembered under, None where it has none.

    ``categories`` is the configured vocabulary; any other category is remembered as ``other``. None allows all.
    """
    if key is Key.CATEGORY:
        unknown = event.category is not None and categories is not None and event.category not in categories
        return OTHER if unknown else event.category
    return _KEYS[key](event)


_KEYS: dict[Key, Callable[[Event], str | None]] = {
    Key.NONE: lambda _: "",
    Key.OFFER: lambda event: event.offer_id,
    Key.CHANNEL: lambda event: event.channel,
    Key.HOUR: lambda event: f"{local_hour(event):02d}",
    Key.WEEKDAY: lambda event: str(local_weekday(event)),
}


@dataclass(frozen=True, slots=True)
class _Trace:
    """What an event of one kind leaves in a row of a section."""

    counted: Floats
    """1 for each sum that counts it, ``[n_sums]``."""
    paid: tuple[int, ...]
    """Places of the sums to which it adds the money paid."""
    saved: tuple[int, ...]
    """Places of the sums to which it adds the money saved."""
    latest: tuple[int, ...]
    earliest: tuple[int, ...]
    """Places of the extremes it may move."""

    def added(self, event: Event) -> Floats:
        """What the event adds to the sums before decay, ``[n_sums]``; not to be written to."""
        if not self.paid and not self.saved:
            return self.counted
        added = self.counted.copy()
        for place in self.paid:
            added[place] = event.value_minor or 0
        for place in self.saved:
            added[place] = event.discount_minor or 0
        return added

    def move(self, instants: Instants, at: Instant) -> None:
        """Move the extremes of a row ``[n_extremes]`` to an instant that lies beyond them."""
        for place in self.latest:
            if instants[place] < at:
                instants[place] = at
        for place in self.earliest:
            if instants[place] > at:
                instants[place] = at


@cache
def _traces(section: Section) -> dict[Kind, _Trace]:
    """By kind, for the kinds that leave a trace in the section."""
    return {kind: _trace(section, kind) for kind in section.kinds}


def _trace(section: Section, kind: Kind) -> _Trace:
    sums = [(place, s.measure) for place, s in enumerate(section.sums)]
    extremes = [(place, e) for place, e in enumerate(section.extremes) if kind in e.measure.kinds]
    return _Trace(
        counted=np.array([float(kind in measure.kinds) for _, measure in sums]),
        paid=tuple(place for place, m in sums if kind in m.kinds and m.amount is Amount.VALUE),
        saved=tuple(place for place, m in sums if kind in m.kinds and m.amount is Amount.DISCOUNT),
        latest=tuple(place for place, e in extremes if not e.earliest),
        earliest=tuple(place for place, e in extremes if e.earliest),
    )


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
    traces = _traces(section)
    told = [
        (key, event)
        for event in events
        if event.kind in traces and (key := key_of(event, section.key, categories)) is not None
    ]
    if not told:
        return memory
    keys, sums, instants = _with_rows(section, memory, {key for key, _ in told})
    place = {key: row for row, key in enumerate(keys)}
    for key, event in told:
        row, trace, at = place[key], traces[event.kind], event.counts_at
        added = trace.added(event)
        sums[row] += added if at == reference else added * decay(section, reference - at)
        trace.move(instants[row], at)
    return Memory(keys, sums, instants)


def _with_rows(section: Section, memory: Memory, wanted: set[str]) -> tuple[tuple[str, ...], Floats, Instants]:
    """A copy of the rows to write to, with one for each key that is wanted."""
    fresh = wanted.difference(memory.keys)
    if not fresh:
        return memory.keys, memory.sums.copy(), memory.instants.copy()
    keys = tuple(sorted({*memory.keys, *fresh}))
    sums = np.zeros((len(keys), len(section.sums)))
    instants = np.empty((len(keys), len(section.extremes)), dtype=np.int64)
    instants[:] = unset(section)
    if memory.keys:
        kept = [row for row, key in enumerate(keys) if key not in fresh]
        sums[kept], instants[kept] = memory.sums, memory.instants
    return keys, sums, instants
