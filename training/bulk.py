"""Packed values written from Arrow, many at once: Feast's ``materialize`` without a message for every value."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from feast import FeatureStore
from numpy.typing import NDArray

from features.codec import Packed, layout, pack
from features.domain import Instant
from features.stored import Shape, Stored
from serving.packed_file import PROJECT, create, open_to_fill, put, table_name

ROWS = 5_000
"""Rows turned into values at a time."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST = datetime(1970, 1, 2, tzinfo=UTC)
_NONE = memoryview(b"")
_TIMES = ["event_timestamp", "created_timestamp"]


def write_newest(
    store: FeatureStore,
    staged: Path,
    view: Stored,
    history: Path,
    now: Instant,
    progress: Callable[[int], Any] = lambda _: None,
) -> None:
    """Write the newest row of each entity known at ``now`` into a packed file, and tell Feast's registry.

    Args:
        store: Feast's own object, whose registry learns what was materialised.
        staged: The packed file, which nobody else has open. Worth nothing where this fails.
        view: What is written.
        history: The view's Parquet file.
        now: Later rows are left out.
        progress: Hears how many more rows were written.
    """
    table = table_name(PROJECT, view.name)
    with closing(open_to_fill(staged)) as con:
        create(con, table)
        for batch in _newest(view, history, now):
            put(con, table, packed(view, batch))
            progress(batch.num_rows)
    known = store.get_feature_view(view.name)
    store.registry.apply_materialization(known, store.project, _FIRST, _EPOCH + timedelta(microseconds=now))


def _newest(view: Stored, history: Path, now: Instant) -> Iterator[pa.RecordBatch]:
    """The newest row of each entity; the row created last among equals, as Feast takes it."""
    chosen, start = _chosen(view, history, now), 0
    columns = [view.entity, *_TIMES, *(column.name for column in view.columns)]
    with pq.ParquetFile(history) as file:
        for batch in file.iter_batches(ROWS, columns=columns):
            some = chosen[start : start + batch.num_rows]
            start += batch.num_rows
            if some.any():
                yield batch if some.all() else batch.filter(pa.array(some))


def _chosen(view: Stored, history: Path, now: Instant) -> NDArray[np.bool_]:
    """Which rows of the file are the newest of their entity."""
    narrow = pq.read_table(history, columns=[view.entity, *_TIMES]).combine_chunks()
    entity = narrow[view.entity].combine_chunks().dictionary_encode().indices.to_numpy()
    event, created = (_microseconds(narrow[name].combine_chunks()) for name in _TIMES)
    known = np.flatnonzero(event <= int(now))
    order = known[np.lexsort((created[known], event[known], entity[known]))]
    last = np.flatnonzero(np.diff(entity[order], append=-1))
    chosen = np.zeros(len(entity), dtype=np.bool_)
    chosen[order[last]] = True
    return chosen


def _microseconds(instants: pa.Array) -> NDArray[np.int64]:
    return np.asarray(instants.cast(pa.timestamp("us", "UTC")).cast(pa.int64()).to_numpy(zero_copy_only=False))


def packed(view: Stored, batch: pa.RecordBatch) -> Iterator[tuple[str, bytes]]:
    """Key and value of each row; columns are the entity, both timestamps and those of the view.

    A null number is NaN and a null list is empty, as where Feast writes.
    """
    if any(batch[c.name].null_count for c in view.columns):
        yield from _one_by_one(view, batch)
        return
    at = layout(view)
    keys = batch[view.entity].to_pylist()
    instants = zip(*(_microseconds(batch[name]).tolist() for name in _TIMES), strict=True)
    floats, lists = _numbers(batch, at.columns[Shape.FLOAT], "<f8"), _lists(batch, at.columns[Shape.FLOATS])
    integers, integer_lists = _numbers(batch, at.columns[Shape.INT], "<i8"), _lists(batch, at.columns[Shape.INTS])
    texts = [_texts(batch[c.name]) for c in at.several if c.shape in (Shape.TEXT, Shape.TEXTS)]
    several = [*lists, *integer_lists]
    for row, (key, (event_at, created_at)) in enumerate(zip(keys, instants, strict=True)):
        ends = [(offsets[row], offsets[row + 1]) for offsets, _ in several]
        words = [(joined[row], counts[row]) for joined, counts in texts]
        counts = [*(b - a for a, b in ends), *(n for _, n in words)]
        joined = "\0".join([word for word, n in words if n])
        if joined.count("\0") != max(sum(n for _, n in words) - 1, 0):
            yield from _one_by_one(view, batch.slice(row, 1))
            continue
        parts = [values[8 * a : 8 * b] for (a, b), (_, values) in zip(ends, several, strict=True)]
        yield (
            key,
            b"".join(
                [
                    at.head.pack(at.mark[:4], at.mark[4:], event_at, created_at, 0, *counts),
                    floats[row] if floats else _NONE,
                    *parts[: len(lists)],
                    integers[row] if integers else _NONE,
                    *parts[len(lists) :],
                    b"\0" + joined.encode() if any(n for _, n in words) else b"",
                ]
            ),
        )


def _numbers(batch: pa.RecordBatch, columns: Any, kind: str) -> list[memoryview]:
    """The numbers of each row, one after the other."""
    if not columns:
        return []
    block = np.column_stack([batch[c.name].to_numpy(zero_copy_only=False).astype(kind, copy=False) for c in columns])
    row_bytes = 8 * len(columns)
    whole = memoryview(block.tobytes())
    return [whole[at : at + row_bytes] for at in range(0, len(whole), row_bytes)]


def _lists(batch: pa.RecordBatch, columns: Any) -> list[tuple[list[int], memoryview]]:
    """Of each column where the lists of its rows begin and end, and the bytes of all their numbers."""
    found = []
    for column in columns:
        held = batch[column.name]
        offsets = held.offsets.to_numpy()
        values = held.values.to_numpy()[offsets[0] : offsets[-1]]
        found.append(((offsets - offsets[0]).tolist(), memoryview(values.tobytes())))
    return found


def _texts(held: pa.Array) -> tuple[list[str], list[int]]:
    """The texts of each row in one, parted by zero, and how many they are."""
    if pa.types.is_string(held.type):
        return held.to_pylist(), [1] * len(held)
    return pc.binary_join(held, "\0").to_pylist(), pc.list_value_length(held).to_pylist()


def _one_by_one(view: Stored, batch: pa.RecordBatch) -> Iterator[tuple[str, bytes]]:
    nothing: dict[Shape, Any] = {Shape.FLOAT: float("nan"), Shape.FLOATS: [], Shape.INTS: [], Shape.TEXTS: []}
    instants = zip(*(_microseconds(batch[name]).tolist() for name in _TIMES), strict=True)
    for row, (event_at, created_at) in zip(batch.drop_columns(_TIMES).to_pylist(), instants, strict=True):
        held = {c.name: nothing[c.shape] if row[c.name] is None else row[c.name] for c in view.columns}
        yield row[view.entity], pack(view, Packed(event_at, created_at, 0, held))
