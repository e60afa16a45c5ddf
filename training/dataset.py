"""The rows that one part of a model is fitted to or judged on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from features.domain import Instant, Offer, OfferId
from serving.part import PartName
from serving.prediction import pair_key
from serving.typical import OfferPair
from training.quality import Judged

Floats = NDArray[np.float64]
TEST_SHARE = 0.3
"""Share of the rows, the latest, that are kept for judging."""


@dataclass(frozen=True)
class Dataset:
    """Rows in the order of decision; every array has one entry per row."""

    X: NDArray[np.float32]
    """Whole vectors, ``[n, n_features]``."""
    taken: NDArray[np.bool_]
    """The outcome this part predicts; for the channel response: noticed."""
    weight: Floats
    """How many rows of the population each row stands for."""
    decisions: NDArray[Any]
    customers: NDArray[Any]
    offers: NDArray[Any]
    categories: NDArray[Any]
    channels: NDArray[Any]
    """Empty text where nothing was sent."""
    decided_us: NDArray[np.int64]
    ends_us: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.taken)

    def where(self, rows: NDArray[Any]) -> Dataset:
        """These rows, by mask or by index."""
        return replace(self, **{f.name: getattr(self, f.name)[rows] for f in fields(self)})

    def cut(self) -> Instant | None:
        """The instant from which rows are for judging: of all decision instants the one nearest to TEST_SHARE.

        None where all were decided at one instant.
        """
        instants, counts = np.unique(self.decided_us, return_counts=True)
        later = 1.0 - np.cumsum(counts)[:-1] / max(len(self), 1)
        return Instant(int(instants[1:][np.argmin(np.abs(later - TEST_SHARE))])) if len(later) else None

    def pairs(self) -> list[OfferPair]:
        """Offer, category and channel of every row."""
        return list(zip(self.offers.tolist(), self.categories.tolist(), self.channels.tolist(), strict=True))

    def keys(self) -> list[str]:
        """The ``pair_key`` of every row."""
        return [pair_key(o, c) for o, c in zip(self.offers.tolist(), self.channels.tolist(), strict=True)]

    def judged(self) -> Judged:
        """The same rows as metrics want them."""
        return Judged(self.taken, self.offers, self.channels, self.customers, self.weight)


def concerning(part: PartName, labels: pa.Table, kind: str) -> pa.Table:
    """The labels that a part learns from, with a column ``outcome``.

    * channel response: contacts of which it is known whether they were noticed;
    * offer response: contacts that were noticed, and contacts on channels that record no notices;
    * organic: what was not offered.
    """
    of_kind = labels.filter(pc.equal(labels["kind"], kind))
    contacted = pc.is_valid(of_kind["channel"])
    if part is PartName.CHANNEL_RESPONSE:
        chosen, outcome = pc.and_(contacted, pc.is_valid(of_kind["noticed"])), "noticed"
    elif part is PartName.OFFER_RESPONSE:
        chosen, outcome = pc.and_(contacted, pc.fill_null(of_kind["noticed"], True)), "taken"
    else:
        chosen, outcome = pc.invert(contacted), "taken"
    chosen = pc.and_(chosen, pc.is_valid(of_kind[outcome]))
    found = of_kind.filter(chosen)
    return found.append_column("outcome", found[outcome])


def dataset(rows: pa.Table, X: NDArray[np.float32], offers: Mapping[OfferId, Offer]) -> Dataset:
    """Rows with their vectors ``[n, n_features]``; ``rows`` has the columns of labels, and ``outcome``."""
    offer_ids = rows["offer_id"].to_pylist()
    return Dataset(
        X=X,
        taken=rows["outcome"].to_numpy(zero_copy_only=False).astype(bool),
        weight=rows["weight"].to_numpy().astype(np.float64),
        decisions=np.array(rows["decision_id"].to_pylist(), dtype=object),
        customers=np.array(rows["customer_id"].to_pylist(), dtype=object),
        offers=np.array(offer_ids, dtype=object),
        categories=np.array([str(offers[OfferId(o)].category) for o in offer_ids], dtype=object),
        channels=np.array([channel or "" for channel in rows["channel"].to_pylist()], dtype=object),
        decided_us=rows["decided_us"].to_numpy(),
        ends_us=rows["ends_us"].to_numpy(),
    )
