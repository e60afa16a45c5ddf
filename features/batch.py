"""States of many subjects at many instants, as one Ibis expression per section: the batch half of every feature.

For each (subject, instant) this is a group-by over the subject's events that were known by then, aged from the instant
at which they count, so that every weight is at most 1. It is done in two steps, because merging is associative: events
are summed within the span between two instants of their subject, then spans are merged up to each instant.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import ibis
import ibis.expr.types as ir
import numpy as np
import pyarrow as pa

from features.domain import OTHER
from features.fold import DAYS_PER_WEEK, HOURS_PER_DAY, THURSDAY
from features.schema import SCHEMA, Amount, Key, Measure, Section
from features.state import NEVER, half_lives_us, unset
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
    """The rows of one section: ``row``, ``key``, then a column per sum and per extreme.

    Args:
        events: Deduplicated events with EVENT_COLUMNS.
        instants: Columns ``row`` (int64, distinct), ``subject`` and ``at_us``, distinct together; what is asked for.
        section: The section wanted.
        categories: Configured vocabulary, any other category becomes ``other``; None allows all.
    """
    return _carried(_learnt(events, _spans(instants), section, categories), instants, section)


def _spans(instants: ir.Table) -> ir.Table:
    """The instants with ``before_us``, the subject's instant before each one; unset for the first."""
    order = ibis.window(group_by=instants.subject, order_by=instants.at_us)
    return instants.mutate(before_us=ibis.coalesce(instants.at_us.lag().over(order), int(NEVER)))


def _learnt(events: ir.Table, spans: ir.Table, section: Section, categories: frozenset[str] | None) -> ir.Table:
    """What was learnt within each span, aged to its end: every event falls into one span of its subject at most."""
    known = events.filter(events.kind.isin(sorted(section.kinds)))
    known = known.mutate(counts_us=ibis.least(known.occurred_us, known.received_us))
    known = known.mutate(key=_key(known, section.key, categories))
    known = known.filter(known.key.notnull())
    joined = known.join(
        spans,
        [
            known.subject == spans.subject,
            known.received_us <= spans.at_us,
            known.received_us > spans.before_us,
        ],
        rname="{name}_asked",
    )
    weighted = _weighted(joined, joined.at_us - joined.counts_us, section)
    sums = {
        name: (_amount(weighted, s.measure) * weighted[weight]).sum()
        for s, (name, weight) in zip(section.sums, _weights(section), strict=True)
    }
    extremes = {f"e{i}": _extreme(weighted, e.measure, e.earliest) for i, e in enumerate(section.extremes)}
    return weighted.group_by("subject", "at_us", "key").aggregate(**sums, **extremes)


def _carried(learnt: ir.Table, instants: ir.Table, section: Section) -> ir.Table:
    """Everything learnt up to each instant: the merge of the spans that end by then."""
    joined = learnt.rename(span_end_us="at_us").join(instants, "subject")
    joined = joined.filter(joined.span_end_us <= joined.at_us)
    weighted = _weighted(joined, joined.at_us - joined.span_end_us, section)
    sums = {name: (weighted[name] * weighted[weight]).sum() for name, weight in _weights(section)}
    return weighted.group_by("row", "key").aggregate(**sums, **_extremes(weighted, section))


def merged_rows(rows: ir.Table, parts: ir.Table, section: Section) -> ir.Table:
    """Rows of a section that are merges of others.

    Args:
        rows: What ``section_rows`` gives.
        parts: Columns ``row`` and ``part``: which row of ``rows`` is a part of which row of the result. The parts of
            one row must be histories at one and the same instant, without events in common.
        section: The section of the rows.
    """
    joined = rows.rename(part="row").join(parts, "part")
    sums = {f"s{i}": joined[f"s{i}"].sum() for i in range(len(section.sums))}
    return joined.group_by("row", "key").aggregate(**sums, **_extremes(joined, section))


def _weights(section: Section) -> list[tuple[str, str]]:
    """Per sum its column and the column of its weight; sums of one half-life share a weight."""
    places = {half_life: i for i, half_life in enumerate(sorted(set(half_lives_us(section).tolist())))}
    return [(f"s{i}", f"weight_{places[h]}") for i, h in enumerate(half_lives_us(section).tolist())]


def _weighted(rows: ir.Table, age_us: ir.Value, section: Section) -> ir.Table:
    half_lives = sorted(set(half_lives_us(section).tolist()))
    age = age_us.cast("float64")
    return rows.mutate(**{f"weight_{i}": (age * (-np.log(2.0) / h)).exp() for i, h in enumerate(half_lives)})


def _extremes(rows: ir.Table, section: Section) -> dict[str, ir.Value]:
    columns = [rows[f"e{i}"] for i in range(len(section.extremes))]
    return {
        f"e{i}": c.min() if e.earliest else c.max()
        for i, (c, e) in enumerate(zip(columns, section.extremes, strict=True))
    }


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

    Arguments are those of ``section_rows``, for every section of the schema; ``entity`` names the first column.

    Returns:
        Columns ``entity``, ``event_timestamp`` and ``created_timestamp`` (both the instant), then those of
        ``features.stored.state_columns(schema)``. A subject without events has zeros and unset instants.
    """
    return _table(instants, schema, entity, lambda section: section_rows(events, instants, section, categories))


def batch_of_parts(
    events: ir.Table,
    instants: ir.Table,
    asked: ir.Table,
    parts: ir.Table,
    schema: tuple[Section, ...],
    entity: str,
) -> pa.Table:
    """Like ``batch`` for the rows of ``asked``, each the merge of rows of ``instants``; see ``merged_rows``."""
    return _table(
        asked, schema, entity, lambda section: merged_rows(section_rows(events, instants, section), parts, section)
    )


def _table(
    asked: ir.Table, schema: tuple[Section, ...], entity: str, rows_of: Callable[[Section], ir.Table]
) -> pa.Table:
    known = asked.order_by("row").to_pyarrow()
    at = known["at_us"].to_numpy()
    stamp = pa.array(at, type=pa.int64()).cast(pa.timestamp("us", tz="UTC"))
    columns: dict[str, Any] = {
        entity: known["subject"],
        "event_timestamp": stamp,
        "created_timestamp": stamp,
        REFERENCE.name: pa.array(at, type=pa.int64()),
    }
    place = known["row"].to_numpy()
    for section in schema:
        found = rows_of(section).order_by("row", "key").to_pyarrow()
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
