"""States of many subjects at many instants, as one Ibis expression per section: the batch half of every feature.

For each (subject, instant) this is a group-by over the subject's events that were known by then, aged from the instant
at which they count, so that every weight is at most 1.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import ibis
import ibis.expr.types as ir
import numpy as np
import pyarrow as pa

from features.domain import OTHER
from features.fold import DAYS_PER_WEEK, HOURS_PER_DAY, THURSDAY
from features.schema import SCHEMA, Amount, Key, Measure, Section
from features.state import half_lives_us, unset
from features.stored import REFERENCE

EVENT_COLUMNS = (
    "subject",
    "kind",
    "channel",
    "occurred_us",
    "received_us",
    "utc_offset_min",
    "offer_id",
    "category",
    "value_minor",
    "discount_minor",
)
"""Columns of the events expression; ``subject`` is whose history it is, ``*_us`` int64 microseconds UTC."""
_MINUTE_US = 60_000_000


def section_rows(
    events: ir.Table,
    instants: ir.Table,
    section: Section,
    categories: frozenset[str] | None = None,
) -> ir.Table:
    """The rows of one section: ``row``, ``key``, then a column per sum and per extreme, ordered by row and key.

    Args:
        events: Deduplicated events with EVENT_COLUMNS.
        instants: Columns ``row`` (int64, distinct), ``subject`` and ``at_us``; what is asked for.
        section: The section wanted.
        categories: Configured vocabulary, any other category becomes ``other``; None allows all.
    """
    known = events.filter(events.kind.isin(sorted(section.kinds)))
    known = known.mutate(counts_us=ibis.least(known.occurred_us, known.received_us))
    known = known.mutate(key=_key(known, section.key, categories))
    known = known.filter(known.key.notnull())
    joined = known.join(instants, "subject")
    joined = joined.filter(joined.received_us <= joined.at_us)
    joined = joined.mutate(age_us=(joined.at_us - joined.counts_us).cast("float64"))
    weights = {half_life: f"weight_{i}" for i, half_life in enumerate(sorted(set(half_lives_us(section).tolist())))}
    joined = joined.mutate(**{name: (joined.age_us * (-np.log(2.0) / h)).exp() for h, name in weights.items()})
    sums = {
        f"s{i}": (_amount(joined, s.measure) * joined[weights[half_life]]).sum()
        for i, (s, half_life) in enumerate(zip(section.sums, half_lives_us(section).tolist(), strict=True))
    }
    extremes = {f"e{i}": _extreme(joined, e.measure, e.earliest) for i, e in enumerate(section.extremes)}
    return joined.group_by("row", "key").aggregate(**sums, **extremes).order_by("row", "key")


def _key(events: ir.Table, key: Key, categories: frozenset[str] | None) -> ir.Value:
    local_minutes = events.counts_us // _MINUTE_US + events.utc_offset_min.cast("int64")
    match key:
        case Key.NONE:
            return ibis.literal("")
        case Key.CATEGORY if categories is not None:
            allowed = events.category.isnull() | events.category.isin(sorted(categories))
            return allowed.ifelse(events.category, ibis.literal(str(OTHER)))
        case Key.HOUR:
            return (local_minutes // 60 % HOURS_PER_DAY).cast("string").lpad(2, "0")
        case Key.WEEKDAY:
            return ((local_minutes // (60 * HOURS_PER_DAY) + THURSDAY) % DAYS_PER_WEEK).cast("string")
        case _:
            return events[key.value]


def _amount(events: ir.Table, measure: Measure) -> ir.Value:
    amount = ibis.literal(1.0) if measure.amount is Amount.ONE else events[measure.amount.value].cast("float64")
    return events.kind.isin(sorted(measure.kinds)).ifelse(amount.fill_null(0.0), 0.0)


def _extreme(events: ir.Table, measure: Measure, earliest: bool) -> ir.Value:
    at = events.kind.isin(sorted(measure.kinds)).ifelse(events.counts_us, ibis.null("int64"))
    return at.min() if earliest else at.max()


def batch(
    events: ir.Table,
    instants: ir.Table,
    schema: tuple[Section, ...] = SCHEMA,
    categories: frozenset[str] | None = None,
    entity: str = "customer_id",
) -> pa.Table:
    """The stored columns of a state for every row of ``instants``, in the order of ``row``.

    Returns:
        Columns ``entity``, ``event_timestamp`` and ``created_timestamp`` (both the instant), then those of
        ``features.stored.state_columns(schema)``. A subject without events has zeros and unset instants.
    """
    asked = instants.order_by("row").to_pyarrow()
    at = asked["at_us"].to_numpy()
    stamp = pa.array(at, type=pa.int64()).cast(pa.timestamp("us", tz="UTC"))
    columns: dict[str, Any] = {
        entity: asked["subject"],
        "event_timestamp": stamp,
        "created_timestamp": stamp,
        REFERENCE.name: pa.array(at, type=pa.int64()),
    }
    place = asked["row"].to_numpy()
    for section in schema:
        found = section_rows(events, instants, section, categories).to_pyarrow()
        columns.update(_stored(section, found, place))
    return pa.table(columns)


def _stored(section: Section, found: pa.Table, place: np.ndarray[Any, Any]) -> Iterator[tuple[str, pa.Array]]:
    rows = np.searchsorted(place, found["row"].to_numpy())
    sums = [found[f"s{i}"].to_numpy() for i in range(len(section.sums))]
    extremes = [found[f"e{i}"].fill_null(unset(section)[i].item()).to_numpy() for i in range(len(section.extremes))]
    if section.key is Key.NONE:
        yield from _dense(section, len(place), rows, sums, extremes)
        return
    offsets = np.searchsorted(rows, np.arange(len(place) + 1))
    yield f"{section.name}_keys", _lists(offsets, 1, found["key"].combine_chunks())
    yield f"{section.name}_sums", _lists(offsets, len(sums), pa.array(_interleaved(sums, np.float64)))
    if extremes:
        yield f"{section.name}_instants_us", _lists(offsets, len(extremes), pa.array(_interleaved(extremes, np.int64)))


def _interleaved(columns: list[np.ndarray[Any, Any]], dtype: type) -> np.ndarray[Any, Any]:
    return np.column_stack(columns).astype(dtype, copy=False).ravel()


def _lists(offsets: np.ndarray[Any, Any], width: int, values: pa.Array) -> pa.Array:
    return pa.LargeListArray.from_arrays(pa.array(offsets * width, type=pa.int64()), values).cast(pa.list_(values.type))


def _dense(
    section: Section,
    n_rows: int,
    rows: np.ndarray[Any, Any],
    sums: list[np.ndarray[Any, Any]],
    extremes: list[np.ndarray[Any, Any]],
) -> Iterator[tuple[str, pa.Array]]:
    for s, values in zip(section.sums, sums, strict=True):
        dense = np.zeros(n_rows)
        dense[rows] = values
        yield f"{section.name}_{s.name}", pa.array(dense)
    for e, nothing, values in zip(section.extremes, unset(section), extremes, strict=True):
        instants = np.full(n_rows, nothing, dtype=np.int64)
        instants[rows] = values
        yield f"{section.name}_{e.name}_us", pa.array(instants)
