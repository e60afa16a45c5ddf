"""Which events were known first at which instant of their subject: from an engine's tables into arrays.

One Ibis expression tells; its answer is turned into arrays part by part while the engine makes the next.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from concurrent.futures import Executor
from typing import NamedTuple

import ibis
import ibis.expr.types as ir
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from features.domain import OTHER
from features.fold import DAYS_PER_WEEK, HOURS_PER_DAY, THURSDAY
from features.loops import in_order, places, put
from features.schema import Key, Section
from features.state import NEVER
from features.tally import AMOUNTS, EVENT, KINDS, Happened, each_share, shares_of

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
WAITING = 4
"""Parts that may wait for being turned, lest they fill the memory."""
_MINUTE_US = 60_000_000
_TEXTS = (Key.CATEGORY, Key.OFFER, Key.CHANNEL)
_LOCAL: Mapping[Key, tuple[str, ...]] = {
    Key.HOUR: tuple(f"{hour:02d}" for hour in range(HOURS_PER_DAY)),
    Key.WEEKDAY: tuple(str(day) for day in range(DAYS_PER_WEEK)),
}


class _Part(NamedTuple):
    """Some of the events, ``[n]`` each."""

    span: NDArray[np.int32]
    events: NDArray[np.void]
    words: dict[Key, list[str]]
    """What the codes of texts mean in this part."""


def gathered(
    events: ir.Table,
    instants: ir.Table,
    n_spans: int,
    schema: tuple[Section, ...],
    categories: frozenset[str] | None,
    pool: Executor,
) -> Happened:
    """The events that any of the instants knows; spans are the instants by subject, then by themselves.

    Any category that is not among ``categories`` becomes ``other``; None allows all.
    """
    parts = _read(_known(events, instants, schema), pool)
    begin = np.zeros(n_spans + 1, dtype=np.int64)
    for part in parts:
        begin[1:] += np.bincount(part.span, minlength=n_spans)
    np.cumsum(begin, out=begin)
    words = {key: _words(key, parts, categories if key is Key.CATEGORY else None) for key in _TEXTS}
    found = np.empty(int(begin[-1]), dtype=EVENT)
    following = begin[:-1].copy()
    putting = []
    while parts:
        part = parts.pop()
        place = np.empty(len(part.span), dtype=np.int32)
        places(part.span, following, place)
        putting.append(pool.submit(_put, part, place, words, categories, found))
        del part  # and so let go of it: all together they take as much as what is kept
    for each in putting:
        each.result()
    order = np.empty(len(found), dtype=np.int32)

    def ordered(first: int, last: int) -> None:
        in_order(found, begin, first, last, order)

    each_share(pool, ordered, shares_of(begin, np.arange(n_spans)))
    return Happened(found, begin, order, {**words, **_LOCAL})


def _words(key: Key, parts: list[_Part], allowed: frozenset[str] | None) -> tuple[str, ...]:
    return tuple(sorted({_told(word, allowed) for part in parts for word in part.words[key]}))


def _put(
    part: _Part,
    place: NDArray[np.int32],
    words: Mapping[Key, tuple[str, ...]],
    categories: frozenset[str] | None,
    out: NDArray[np.void],
) -> None:
    """Write the events of a part where they belong, with the codes that hold for all."""
    for key in _TEXTS:
        number = {word: code for code, word in enumerate(words[key])}
        allowed = categories if key is Key.CATEGORY else None
        codes = np.array([*(number[_told(word, allowed)] for word in part.words[key]), -1], dtype=np.int32)
        part.events[key.value] = codes[part.events[key.value]]  # the last for -1
    put(part.events, place, out)


def _told(word: str, allowed: frozenset[str] | None) -> str:
    return word if allowed is None or word in allowed else str(OTHER)


def _known(events: ir.Table, instants: ir.Table, schema: tuple[Section, ...]) -> ir.Table:
    """Every event with the ``span`` of its subject's first instant at which it was known; none where there is none."""
    order = ibis.window(group_by=instants.subject, order_by=instants.at_us)
    spans = instants.mutate(
        span=ibis.row_number().over(order_by=[instants.subject, instants.at_us]).cast("int32"),
        before_us=ibis.coalesce(instants.at_us.lag().over(order), int(NEVER)),
    )
    kinds = frozenset(kind for section in schema for kind in section.kinds)
    known = events.filter(events.kind.isin(sorted(kinds)))
    joined = known.join(
        spans,
        [known.subject == spans.subject, known.received_us <= spans.at_us, known.received_us > spans.before_us],
        rname="{name}_asked",
    )
    kind = ibis.cases(*((joined.kind == str(each), code) for code, each in enumerate(KINDS)), else_=-1)
    return joined.select(
        "span",
        *(key.value for key in _TEXTS),
        *(joined[name].cast("float64").fill_null(0.0).name(name) for name in AMOUNTS),
        kind=kind.cast("int8"),
        counts_us=ibis.least(joined.occurred_us, joined.received_us),
        offset_min=joined.utc_offset_min.cast("int64"),
    )


def _read(known: ir.Table, pool: Executor) -> list[_Part]:
    """The parts of an expression's answer, in whatever order DuckDB makes them."""
    # Ibis asks for parts by a name that DuckDB does not know.
    found = known.get_backend().con.sql(ibis.to_sql(known)).to_arrow_reader(ROWS)
    room = threading.Semaphore(WAITING)

    def turned(batch: pa.RecordBatch) -> _Part:
        try:
            return _part(batch)
        finally:
            room.release()

    turning = []
    for batch in found:
        room.acquire()
        turning.append(pool.submit(turned, batch))
    return [each.result() for each in turning]


def _part(held: pa.RecordBatch) -> _Part:
    """All that is kept is copied, lest a column keep the memory of all."""
    counts_us = held["counts_us"].to_numpy()
    minutes = counts_us // _MINUTE_US + held["offset_min"].to_numpy()
    events = np.empty(len(counts_us), dtype=EVENT)
    events["counts_us"], events["kind"] = counts_us, held["kind"].to_numpy()
    events[Key.HOUR.value] = minutes // 60 % HOURS_PER_DAY
    events[Key.WEEKDAY.value] = (minutes // (60 * HOURS_PER_DAY) + THURSDAY) % DAYS_PER_WEEK
    for amount in AMOUNTS:
        events[amount.value] = held[amount.value].to_numpy()
    words = {}
    for key in _TEXTS:
        coded = held[key.value].dictionary_encode()
        events[key.value] = pc.fill_null(coded.indices, -1).to_numpy()
        words[key] = coded.dictionary.to_pylist()
    return _Part(held["span"].to_numpy().copy(), events, words)
