"""Decisions with a known outcome, and what was known at each instant: vectors through Feast, labels from events."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from features.catalogue import Catalogue
from features.domain import Instant
from features.errors import ContractError
from features.instant import format_instant
from serving.part import PartName
from serving.settings import Settings
from training.assemble import assemble
from training.dataset import Dataset, concerning, dataset
from training.feature_store import open_store
from training.labels import labels
from training.spent import Spent

PLACE = "place"
SEEN = (PartName.CHANNEL_RESPONSE, PartName.OFFER_RESPONSE, PartName.ORGANIC)
"""Parts whose outcomes are seen."""
MOST_ROWS = 400_000
"""Rows learnt from at most; of more, a sample by decision is drawn, and each stands for more."""


@dataclass(frozen=True)
class Samples:
    """Labels and their vectors: row ``place`` of ``X`` belongs to the label with that ``place``."""

    labels: pa.Table
    X: NDArray[np.float32]
    catalogue: Catalogue

    def of(self, part: PartName, kind: str) -> Dataset:
        """The rows that a part for a kind of offer learns from; none where the data do not record them."""
        rows = concerning(part, self.labels, kind)
        return dataset(rows, self.X[rows[PLACE].to_numpy()], self.catalogue.offer)

    def parts(self) -> Iterator[tuple[PartName, str, Dataset]]:
        """Every part and kind that has any rows."""
        for kind in self.catalogue.kinds:
            for part in SEEN:
                rows = self.of(part, kind)
                if len(rows):
                    yield part, kind, rows

    @property
    def noticing_channels(self) -> tuple[str, ...]:
        """Channels on which it is recorded whether a contact was noticed."""
        known = self.labels.filter(pc.is_valid(self.labels["noticed"]))
        return tuple(sorted(set(known["channel"].to_pylist())))


def gather(
    settings: Settings,
    catalogue: Catalogue,
    at: Instant,
    kinds: tuple[str, ...] | None = None,
    spent: Spent | None = None,
) -> Samples:
    """The decisions whose outcome was known at an instant, of all kinds of offer or of these.

    ``spent`` hears what the stages took. Raises ContractError where no decision has a known outcome.
    """
    if not (settings.contract_dir / "decisions.parquet").exists():
        raise ContractError(f"there are no decisions in {settings.contract_dir}: without them nothing can be learnt")
    spent = Spent() if spent is None else spent
    with spent.on("outcomes of the decisions"):
        found = labels(settings.contract_dir, at, seed=settings.seed, threads=settings.threads)
    known = pc.or_(pc.is_valid(found["taken"]), pc.is_valid(found["noticed"]))
    if kinds is not None:
        known = pc.and_(known, pc.is_in(found["kind"], pa.array(kinds)))
    found = thinned(found.filter(known), MOST_ROWS, settings.seed)
    if not len(found):
        raise ContractError(
            f"no decision has a known outcome at {format_instant(at)}: the first window must have ended, train later"
        )
    found = found.append_column(PLACE, pa.array(np.arange(len(found))))
    with spent.on("what was known at each decision"):
        return Samples(found, assemble(open_store(settings), catalogue, found, threads=settings.threads).X, catalogue)


def thinned(rows: pa.Table, most: int, seed: int) -> pa.Table:
    """At most so many rows, drawn evenly; what was left out is made up for by the weight of what stayed."""
    if len(rows) <= most:
        return rows
    chosen = np.sort(np.random.default_rng(seed).permutation(len(rows))[:most])
    weight = pc.multiply(rows["weight"], len(rows) / most)
    return rows.set_column(rows.schema.get_field_index("weight"), "weight", weight).take(pa.array(chosen))
