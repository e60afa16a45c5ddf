"""States of many subjects at many instants: the batch half of every feature.

``features.happened`` tells which events were known first at which instant of their subject; ``features.tally`` adds
them up, aged from the instant at which they count, so that every weight is at most 1.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import ibis.expr.types as ir
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from features.happened import gathered
from features.schema import SCHEMA, Key, Section
from features.state import unset
from features.stored import REFERENCE
from features.tally import Index, Spans, Tally, merged, tally


def batch(
    events: ir.Table,
    instants: ir.Table,
    schema: tuple[Section, ...] = SCHEMA,
    categories: frozenset[str] | None = None,
    entity: str = "customer_id",
    threads: int = 1,
) -> pa.Table:
    """The stored columns of a state for every row of ``instants``, in the order of ``row``.

    Args:
        events: Deduplicated events with EVENT_COLUMNS.
        instants: Columns ``row`` (int64, distinct), ``subject`` and ``at_us``, distinct together; what is asked for.
        schema: The sections wanted.
        categories: Configured vocabulary, any other category becomes ``other``; None allows all.
        entity: Name of the first column.
        threads: How many work beside those of the tables' engine; the answer is the same with any number.

    Returns:
        Columns ``entity``, ``event_timestamp`` and ``created_timestamp`` (both the instant), then those of
        ``features.stored.state_columns(schema)``. A subject without events has zeros and unset instants.
    """
    asked = instants.order_by("subject", "at_us").to_pyarrow()
    spans, order = _spans(asked), np.argsort(asked["row"].to_numpy())
    sorted_already = bool(np.all(order[1:] > order[:-1]))
    with ThreadPoolExecutor(threads) as pool:
        happened = gathered(events, instants, len(asked), schema, categories, pool)

        def tallied(section: Section) -> Tally:
            found = tally(section, happened, spans, pool)
            return found if sorted_already else found.placed(order)

        return _table(asked.take(pa.array(order)), schema, entity, tallied)


def batch_of_parts(
    events: ir.Table,
    instants: ir.Table,
    asked: ir.Table,
    parts: ir.Table,
    schema: tuple[Section, ...],
    entity: str,
    threads: int = 1,
) -> pa.Table:
    """Like ``batch`` for the rows of ``asked``, each the merge of rows of ``instants``.

    ``parts`` says with columns ``row`` and ``part`` which row of ``instants`` is a part of which row of ``asked``. The
    parts of one row must be histories at one and the same instant, without events in common.
    """
    known = instants.order_by("subject", "at_us").to_pyarrow()
    spans, row = _spans(known), known["row"].to_numpy()
    wanted, related = asked.order_by("row").to_pyarrow(), parts.to_pyarrow()
    of = np.searchsorted(wanted["row"].to_numpy(), related["row"].to_numpy())
    part = _at(row, related["part"].to_numpy())
    with ThreadPoolExecutor(threads) as pool:
        happened = gathered(events, instants, len(known), schema, None, pool)

        def tallied(section: Section) -> Tally:
            return merged(section, tally(section, happened, spans, pool), of, part, len(wanted))

        return _table(wanted, schema, entity, tallied)


def _at(rows: Index, wanted: NDArray[Any]) -> Index:
    """Where each of the wanted stands among the rows."""
    order = np.argsort(rows)
    return order[np.searchsorted(rows[order], wanted)]


def _spans(asked: pa.Table) -> Spans:
    subjects = asked["subject"].combine_chunks().dictionary_encode().indices.to_numpy().astype(np.int64)
    return Spans(subjects, asked["at_us"].to_numpy())


def _table(asked: pa.Table, schema: tuple[Section, ...], entity: str, tallied: Callable[[Section], Tally]) -> pa.Table:
    at = asked["at_us"].to_numpy()
    stamp = pa.array(at, type=pa.int64()).cast(pa.timestamp("us", tz="UTC"))
    columns: dict[str, Any] = {
        entity: asked["subject"],
        "event_timestamp": stamp,
        "created_timestamp": stamp,
        REFERENCE.name: pa.array(at, type=pa.int64()),
    }
    for section in schema:
        columns.update(_stored(section, tallied(section), len(at)))
    return pa.table(columns)


def _stored(section: Section, found: Tally, n_rows: int) -> Iterator[tuple[str, pa.Array]]:
    if section.key is Key.NONE:
        yield from _dense(section, n_rows, found)
        return
    words = pa.array(found.words, pa.string())
    yield f"{section.name}_keys", _lists(found.begin, 1, words.take(pa.array(found.key)))
    yield f"{section.name}_sums", _lists(found.begin, len(section.sums), pa.array(found.sums.ravel()))
    if section.extremes:
        width = len(section.extremes)
        yield f"{section.name}_instants_us", _lists(found.begin, width, pa.array(found.instants.ravel()))


def _lists(offsets: Index, width: int, values: pa.Array) -> pa.Array:
    return pa.LargeListArray.from_arrays(pa.array(offsets * width, type=pa.int64()), values).cast(pa.list_(values.type))


def _dense(section: Section, n_rows: int, found: Tally) -> Iterator[tuple[str, pa.Array]]:
    there = found.begin[1:] > found.begin[:-1]
    for s, values in zip(section.sums, found.sums.T, strict=True):
        dense = np.zeros(n_rows)
        dense[there] = values
        yield f"{section.name}_{s.name}", pa.array(dense)
    for e, nothing, at in zip(section.extremes, unset(section), found.instants.T, strict=True):
        instants = np.full(n_rows, nothing, dtype=np.int64)
        instants[there] = at
        yield f"{section.name}_{e.name}_us", pa.array(instants)
