"""What was known at past instants, through Feast's historical retrieval.

Feast joins the newest row of an entity at or before the asked instant, not older than the view's time-to-live, and not
created later. Every answer is checked: as many rows as asked, in the asked order, nothing from after the instant.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from feast import FeatureStore
from numpy.typing import NDArray

from features.domain import OfferId
from features.errors import KairosError
from features.state import NEVER
from features.stored import ACTIVITY, EVIDENCE, PROFILE, REFERENCE, Stored

ROW, AT = "row", "event_timestamp"
CHUNK_ROWS = 20_000
"""Rows asked of Feast at once: its join holds every earlier row of each entity, lists and all, in memory."""


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

    def customers(self, customer_ids: Sequence[str], at: NDArray[np.int64]) -> pa.Table:
        """See ``retrieve_customers``."""
        return retrieve_customers(self.store, customer_ids, at)

    def evidence(self, offer_ids: Sequence[OfferId], at: NDArray[np.int64]) -> pa.Table:
        """See ``retrieve_evidence``."""
        return retrieve_evidence(self.store, offer_ids, at)


class RetrievalError(KairosError):
    """Feast gave other rows than were asked for, or knowledge from after the instant."""


def retrieve_customers(store: FeatureStore, customer_ids: Sequence[str], at: NDArray[np.int64]) -> pa.Table:
    """What was known of customers at instants.

    Args:
        store: The source's feature store.
        customer_ids: The customer of each row.
        at: Microseconds UTC of each row, ``[n]``.

    Returns:
        In the order asked: ``customer_id`` and the columns of ACTIVITY and PROFILE, null where nothing was known.
    """
    return _retrieve(store, (ACTIVITY, PROFILE), customer_ids, at)


def retrieve_evidence(store: FeatureStore, offer_ids: Sequence[OfferId], at: NDArray[np.int64]) -> pa.Table:
    """What had been shown of offers at instants, in the order asked: ``offer_id`` and the columns of EVIDENCE.

    Args:
        store: The source's feature store.
        offer_ids: The offer of each row.
        at: Microseconds UTC of each row, ``[n]``.
    """
    return _retrieve(store, (EVIDENCE,), offer_ids, at)


def _retrieve(store: FeatureStore, views: tuple[Stored, ...], keys: Sequence[str], at: NDArray[np.int64]) -> pa.Table:
    entity = views[0].entity
    asked = pa.table(
        {entity: pa.array(keys, pa.string()), AT: pa.array(at, pa.int64()).cast(pa.timestamp("us", "UTC"))}
    )
    chunks = [_ask(store, views, asked.slice(start, CHUNK_ROWS)) for start in range(0, len(asked), CHUNK_ROWS)]
    found = pa.concat_tables(chunks or [_ask(store, views, asked)])
    _check(views, found, at)
    return found


def _ask(store: FeatureStore, views: tuple[Stored, ...], asked: pa.Table) -> pa.Table:
    """One question to Feast; the row's number comes back with it, since a join keeps no order."""
    numbered = asked.append_column(ROW, pa.array(np.arange(len(asked))))
    found = store.get_historical_features(
        entity_df=numbered.to_pandas(),
        features=[f"{view.name}:{column.name}" for view in views for column in view.columns],
        filter_by_created_timestamp=True,
    ).to_arrow()
    found = found.sort_by(ROW)
    if not np.array_equal(found[ROW].to_numpy(), np.arange(len(asked))):
        raise RetrievalError(f"{len(asked):,} rows were asked of Feast, {len(found):,} came back: use its DuckDB store")
    return found.drop_columns([ROW, AT])


def _check(views: tuple[Stored, ...], found: pa.Table, at: NDArray[np.int64]) -> None:
    if REFERENCE.name not in found.column_names:
        return
    reference = pc.fill_null(found[REFERENCE.name], int(NEVER)).to_numpy()
    if (later := int(np.count_nonzero(reference > at))) > 0:
        raise RetrievalError(
            f"{later:,} of {len(found):,} rows of {views[0].name} describe an instant after the one asked for"
        )
