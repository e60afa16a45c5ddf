"""States of many subjects at many instants: the batch half of every feature.

One Ibis expression tells which events were known first at which instant of their subject; ``features.tally`` adds them
up, aged from the instant at which they count, so that every weight is at most 1.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import ibis
import ibis.expr.types as ir
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from features.domain import OTHER
from features.fold import DAYS_PER_WEEK, HOURS_PER_DAY, THURSDAY
from features.schema import SCHEMA, Amount, Key, Section
from features.state import NEVER, Floats, unset
from features.stored import REFERENCE
from features.tally import KINDS, Coded, Happened, Index, Spans, Tally, merged, tally

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
ROWS = 500_000
"""Events turned into arrays at a time; of each some forty bytes are kept."""
_MINUTE_US = 60_000_000
_TEXTS = (Key.CATEGORY, Key.OFFER, Key.CHANNEL)
_HOURS = tuple(f"{hour:02d}" for hour in range(HOURS_PER_DAY))
_WEEKDAYS = tuple(str(day) for day in range(DAYS_PER_WEEK))


def batch(
    events: ir.Table,
    instants: ir.Table,
    schema: tuple[Section, ...] = SCHEMA,
    categories: frozenset[str] | None = None,
    entity: str = "customer_id",
) -> pa.Table:
    """The stored columns of a state for every row of ``instants``, in the order of ``row``.

    Args:
        events: Deduplicated events with EVENT_COLUMNS.
        instants: Columns ``row`` (int64, distinct), ``subject`` and ``at_us``, distinct together; what is asked for.
        schema: The sections wanted.
        categories: Configured vocabulary, any other category becomes ``other``; None allows all.
        entity: Name of the first column.

    Returns:
        Columns ``entity``, ``event_timestamp`` and ``created_timestamp`` (both the instant), then those of
        ``features.stored.state_columns(schema)``. A subject without events has zeros and unset instants.
    """
    asked = instants.order_by("subject", "at_us").to_pyarrow()
    spans, row = _spans(asked), asked["row"].to_numpy()
    happened = _happened(events, instants, row, schema, categories)
    order = np.argsort(row)
    place = np.argsort(order)

    def tallied(section: Section) -> Tally:
        return _placed(tally(section, happened, spans), place)

    return _table(asked.take(pa.array(order)), schema, entity, tallied)


def batch_of_parts(
    events: ir.Table,
    instants: ir.Table,
    asked: ir.Table,
    parts: ir.Table,
    schema: tuple[Section, ...],
    entity: str,
) -> pa.Table:
    """Like ``batch`` for the rows of ``asked``, each the merge of rows of ``instants``.

    ``parts`` says with columns ``row`` and ``part`` which row of ``instants`` is a part of which row of ``asked``. The
    parts of one row must be histories at one and the same instant, without events in common.
    """
    known = instants.order_by("subject", "at_us").to_pyarrow()
    spans, row = _spans(known), known["row"].to_numpy()
    happened = _happened(events, instants, row, schema, None)
    wanted, related = asked.order_by("row").to_pyarrow(), parts.to_pyarrow()
    of = np.searchsorted(wanted["row"].to_numpy(), related["row"].to_numpy())
    part = _at(row, related["part"].to_numpy())
    return _table(wanted, schema, entity, lambda section: merged(section, tally(section, happened, spans), of, part))


def _at(rows: Index, wanted: NDArray[Any]) -> Index:
    """Where each of the wanted stands among the rows."""
    order = np.argsort(rows)
    return order[np.searchsorted(rows[order], wanted)]


def _spans(asked: pa.Table) -> Spans:
    subjects = asked["subject"].combine_chunks().dictionary_encode().indices.to_numpy().astype(np.int64)
    return Spans(subjects, asked["at_us"].to_numpy())


def _placed(found: Tally, place: Index) -> Tally:
    """The same in another order of spans."""
    span = place[found.span]
    if np.all(span[1:] >= span[:-1]):
        return Tally(span, found.key, found.words, found.sums, found.instants)
    order = np.argsort(span, kind="stable")
    return Tally(span[order], found.key[order], found.words, found.sums[:, order], found.instants[:, order])


def _known(events: ir.Table, instants: ir.Table, schema: tuple[Section, ...]) -> ir.Table:
    """Every event with the ``row`` of its subject's first instant at which it was known; none where there is none."""
    order = ibis.window(group_by=instants.subject, order_by=instants.at_us)
    spans = instants.mutate(before_us=ibis.coalesce(instants.at_us.lag().over(order), int(NEVER)))
    kinds = frozenset(kind for section in schema for kind in section.kinds)
    known = events.filter(events.kind.isin(sorted(kinds)))
    joined = known.join(
        spans,
        [known.subject == spans.subject, known.received_us <= spans.at_us, known.received_us > spans.before_us],
        rname="{name}_asked",
    )
    counts_us = ibis.least(joined.occurred_us, joined.received_us)
    amounts = [a.value for a in Amount if a is not Amount.ONE]
    kind = ibis.cases(*((joined.kind == str(each), code) for code, each in enumerate(KINDS)), else_=-1)
    return joined.select(
        "row",
        *(key.value for key in _TEXTS),
        *(joined[name].cast("float64").fill_null(0.0).name(name) for name in amounts),
        kind=kind.cast("int8"),
        counts_us=counts_us,
        local_min=counts_us // _MINUTE_US + joined.utc_offset_min.cast("int64"),
    )


def _happened(
    events: ir.Table,
    instants: ir.Table,
    rows: Index,
    schema: tuple[Section, ...],
    categories: frozenset[str] | None,
) -> Happened:
    """The events of the expression in arrays; ``rows`` are those of the instants by subject and instant."""
    columns: dict[str, list[NDArray[Any]]] = {}
    seen: dict[Key, dict[str, int]] = {key: {} for key in _TEXTS}
    waiting = _known(events, instants, schema).to_pyarrow().to_batches(ROWS)
    while waiting:
        held = waiting.pop()  # and so let go of it: all together they take twice what is kept
        minutes = held["local_min"].to_numpy()
        read: dict[str, NDArray[Any]] = {
            "span": _at(rows, held["row"].to_numpy()).astype(np.int32),
            "kind": held["kind"].to_numpy(),
            "counts_us": held["counts_us"].to_numpy(),
            Key.HOUR: (minutes // 60 % HOURS_PER_DAY).astype(np.int8),
            Key.WEEKDAY: ((minutes // (60 * HOURS_PER_DAY) + THURSDAY) % DAYS_PER_WEEK).astype(np.int8),
            **{a: held[a.value].to_numpy() for a in Amount if a is not Amount.ONE},
            **{key: _codes(held[key.value], seen[key]) for key in _TEXTS},
        }
        for name, values in read.items():
            columns.setdefault(name, []).append(values)
    whole = {name: np.concatenate(columns.pop(name)) for name in list(columns)}
    if not whole:
        whole = {name: np.zeros(0, dtype=np.int64) for name in ("span", "kind", "counts_us", *Key, *Amount)}
    keys = {key: _sorted(whole[key], seen[key], categories if key is Key.CATEGORY else None) for key in _TEXTS}
    keys |= {Key.HOUR: Coded(whole[Key.HOUR], _HOURS), Key.WEEKDAY: Coded(whole[Key.WEEKDAY], _WEEKDAYS)}
    amounts: dict[Amount, Floats] = {a: whole[a].astype(np.float64, copy=False) for a in Amount if a is not Amount.ONE}
    return Happened(whole["span"], whole["kind"], whole["counts_us"], keys, amounts)


def _codes(texts: pa.Array, seen: dict[str, int]) -> NDArray[np.int32]:
    """The number of each text in the order in which texts were seen first; -1 for null."""
    coded = texts.dictionary_encode()
    numbers = np.array([seen.setdefault(word, len(seen)) for word in coded.dictionary.to_pylist()] or [0], np.int32)
    places = pc.fill_null(coded.indices, -1).to_numpy()
    return np.where(places < 0, np.int32(-1), numbers[places])


def _sorted(codes: NDArray[Any], seen: dict[str, int], allowed: frozenset[str] | None) -> Coded:
    """The same texts with words in order, those that are not allowed as ``other``."""
    as_told = [word if allowed is None or word in allowed else str(OTHER) for word in seen]
    words = tuple(sorted(set(as_told)))
    number = {word: code for code, word in enumerate(words)}
    codes_of = np.array([*(number[word] for word in as_told), -1], dtype=np.int32)  # the last for -1
    return Coded(codes_of[codes], words)


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
    offsets = np.searchsorted(found.span, np.arange(n_rows + 1))
    words = pa.array(found.words, pa.string())
    yield f"{section.name}_keys", _lists(offsets, 1, words.take(pa.array(found.key)))
    yield f"{section.name}_sums", _lists(offsets, len(found.sums), pa.array(found.sums.T.ravel()))
    if section.extremes:
        yield f"{section.name}_instants_us", _lists(offsets, len(found.instants), pa.array(found.instants.T.ravel()))


def _lists(offsets: Index, width: int, values: pa.Array) -> pa.Array:
    return pa.LargeListArray.from_arrays(pa.array(offsets * width, type=pa.int64()), values).cast(pa.list_(values.type))


def _dense(section: Section, n_rows: int, found: Tally) -> Iterator[tuple[str, pa.Array]]:
    for s, values in zip(section.sums, found.sums, strict=True):
        dense = np.zeros(n_rows)
        dense[found.span] = values
        yield f"{section.name}_{s.name}", pa.array(dense)
    for e, nothing, at in zip(section.extremes, unset(section), found.instants, strict=True):
        instants = np.full(n_rows, nothing, dtype=np.int64)
        instants[found.span] = at
        yield f"{section.name}_{e.name}_us", pa.array(instants)
