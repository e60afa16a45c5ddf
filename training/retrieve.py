"""What was known at past instants, through Feast's historical retrieval.

Feast joins the newest row of an entity at or before the asked instant, not older than the view's time-to-live, and not
created later. Of a state it is asked for the reference instant alone, which names the row that was joined; what stands
in that row is then read once: a join that carries some hundred numbers of every earlier row takes ten times as long.
Every answer is checked: as many rows as asked, in the asked order, nothing from after the instant.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain
from typing import Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from feast import FeatureStore
from numpy.typing import NDArray

from features.domain import OfferId
from features.errors import KairosError
from features.evidence import MARKET
from features.state import NEVER
from features.stored import ACTIVITY, EVIDENCE, PROFILE, REFERENCE, Column, Stored

ROW, AT = "row", "event_timestamp"
CHUNK_ROWS = 200_000
"""Rows asked of Feast at once: its join holds every earlier row of each entity in memory."""
READ_ROWS = 5_000
"""Rows of a history read at a time; those that nobody asked for are dropped before the next."""


class Remembered(Protocol):
    """What was known at past instants, in the order asked; see ``retrieve_customers`` and ``retrieve_evidence``."""

    def customers(self, customer_ids: Sequence[str], at: NDArray[np.int64]) -> pa.Table:
        """Of customers."""
        ...

    def evidence(self, offer_ids: Sequence[OfferId], at: NDArray[np.int64]) -> pa.Table:
        """Of offers."""
        ...


@dataclass(frozen=True, slots=True)
class InFeast:
    """What Feast remembers."""

    store: FeatureStore
    threads: int = 1

    def customers(self, customer_ids: Sequence[str], at: NDArray[np.int64]) -> pa.Table:
        """See ``retrieve_customers``."""
        return retrieve_customers(self.store, customer_ids, at, self.threads)

    def evidence(self, offer_ids: Sequence[OfferId], at: NDArray[np.int64]) -> pa.Table:
        """See ``retrieve_evidence``."""
        return retrieve_evidence(self.store, offer_ids, at, self.threads)


class RetrievalError(KairosError):
    """Feast gave other rows than were asked for, or knowledge from after the instant."""


def retrieve_customers(
    store: FeatureStore, customer_ids: Sequence[str], at: NDArray[np.int64], threads: int = 1
) -> pa.Table:
    """What was known of customers at instants.

    Args:
        store: The source's feature store.
        customer_ids: The customer of each row.
        at: Microseconds UTC of each row, ``[n]``.

    Returns:
        In the order asked: ``customer_id`` and the columns of ACTIVITY and PROFILE, null where nothing was known.
    """
    told = [(PROFILE, column) for column in PROFILE.columns]
    found = _joined(store, [(ACTIVITY, REFERENCE), *told], customer_ids, at)
    return _with_rows(store, ACTIVITY, found, threads).select([ACTIVITY.entity, *_names(ACTIVITY), *_names(PROFILE)])


def retrieve_evidence(
    store: FeatureStore, offer_ids: Sequence[OfferId], at: NDArray[np.int64], threads: int = 1
) -> pa.Table:
    """What had been shown of offers at instants, in the order asked: ``offer_id`` and the columns of EVIDENCE.

    Evidence is written of all offers and the market as of the same instants, so Feast is asked for the market alone.

    Args:
        store: The source's feature store.
        offer_ids: The offer of each row.
        at: Microseconds UTC of each row, ``[n]``.
    """
    instants, which = np.unique(at, return_inverse=True)
    market = _joined(store, [(EVIDENCE, REFERENCE)], [MARKET] * len(instants), instants)
    reference = market[REFERENCE.name].combine_chunks().take(pa.array(which))
    named = pa.table({EVIDENCE.entity: pa.array(offer_ids, pa.string()), REFERENCE.name: reference})
    return _with_rows(store, EVIDENCE, named, threads).select([EVIDENCE.entity, *_names(EVIDENCE)])


def _names(view: Stored) -> list[str]:
    return [column.name for column in view.columns]


def _joined(
    store: FeatureStore, wanted: Sequence[tuple[Stored, Column]], keys: Sequence[str], at: NDArray[np.int64]
) -> pa.Table:
    """Feast's answer, in the order asked; the first of what is wanted is the reference of a state."""
    state, _ = wanted[0]
    asked = pa.table(
        {state.entity: pa.array(keys, pa.string()), AT: pa.array(at, pa.int64()).cast(pa.timestamp("us", "UTC"))}
    )
    chunks = [_ask(store, wanted, asked.slice(start, CHUNK_ROWS)) for start in range(0, len(asked), CHUNK_ROWS)]
    found = pa.concat_tables(chunks or [_ask(store, wanted, asked)])
    _check(state, found, at)
    return found


def _ask(store: FeatureStore, wanted: Sequence[tuple[Stored, Column]], asked: pa.Table) -> pa.Table:
    """One question to Feast; the row's number comes back with it, since a join keeps no order."""
    numbered = asked.append_column(ROW, pa.array(np.arange(len(asked))))
    found = store.get_historical_features(
        entity_df=numbered.to_pandas(),
        features=[f"{view.name}:{column.name}" for view, column in wanted],
        filter_by_created_timestamp=True,
    ).to_arrow()
    found = found.sort_by(ROW)
    if not np.array_equal(found[ROW].to_numpy(), np.arange(len(asked))):
        raise RetrievalError(f"{len(asked):,} rows were asked of Feast, {len(found):,} came back: use its DuckDB store")
    return found.drop_columns([ROW, AT])


def _check(view: Stored, found: pa.Table, at: NDArray[np.int64]) -> None:
    reference = pc.fill_null(found[REFERENCE.name], int(NEVER)).to_numpy()
    if (later := int(np.count_nonzero(reference > at))) > 0:
        raise RetrievalError(
            f"{later:,} of {len(found):,} rows of {view.name} describe an instant after the one asked for"
        )


def _with_rows(store: FeatureStore, view: Stored, named: pa.Table, threads: int) -> pa.Table:
    """Beside entity and reference what stands in the row of the history that they name; null where they name none."""
    history = str(store.get_feature_view(view.name).batch_source.path)
    places = _places(view, pq.read_table(history, columns=[view.entity, REFERENCE.name]), named)
    needed = np.unique(places[places >= 0])
    where = pa.array(np.searchsorted(needed, places), mask=places < 0)
    names = [name for name in _names(view) if name != REFERENCE.name]

    def read(some: Sequence[str]) -> list[tuple[str, pa.ChunkedArray]]:
        found = _only(history, some, needed)
        return [(name, found[name].take(where)) for name in some]

    # Every other one where there are two, since the long columns stand together.
    with ThreadPoolExecutor(threads) as pool:
        columns = dict(chain.from_iterable(pool.map(read, [names[i::threads] for i in range(threads)])))
    for name in names:
        named = named.append_column(name, columns[name])
    return named


def _places(view: Stored, history: pa.Table, named: pa.Table) -> NDArray[np.int64]:
    """The row of a history for each (entity, reference), -1 where the reference is null.

    RetrievalError where there is none, or more than one.
    """
    entities = pc.unique(history[view.entity])
    references = pc.unique(history[REFERENCE.name])

    def numbers(table: pa.Table) -> NDArray[np.int64]:
        entity, reference = (
            pc.fill_null(pc.index_in(table[name], value_set=values), -1).to_numpy().astype(np.int64)
            for name, values in ((view.entity, entities), (REFERENCE.name, references))
        )
        return np.where((entity < 0) | (reference < 0), -1, entity * max(len(references), 1) + reference)

    kept, wanted = numbers(history), numbers(named)
    order = np.argsort(kept, kind="stable")
    first, after = (np.searchsorted(kept[order], wanted, side) for side in ("left", "right"))
    unknown = named[REFERENCE.name].is_null().to_numpy()
    if wrong := int(np.count_nonzero(~unknown & (after - first != 1))):
        raise RetrievalError(f"{wrong:,} rows that Feast joined are not one row of {view.name}: run `make features`")
    return np.where(unknown, -1, order[np.minimum(first, len(order) - 1)] if len(order) else -1)


def _only(history: str, names: Sequence[str], needed: NDArray[np.int64]) -> pa.Table:
    """These rows of a file, by their ascending numbers."""
    with pq.ParquetFile(history) as file:
        empty = file.schema_arrow.empty_table().select(names)
        chosen = np.zeros(file.metadata.num_rows, dtype=np.bool_)
        chosen[needed] = True
        kept, start = [], 0
        for batch in file.iter_batches(READ_ROWS, columns=list(names)):
            kept.append(batch.filter(pa.array(chosen[start : start + batch.num_rows])))
            start += batch.num_rows
    return pa.concat_tables([empty, *(pa.Table.from_batches([batch]).select(names) for batch in kept)]).combine_chunks()
