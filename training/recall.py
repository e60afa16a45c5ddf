"""What was known at past instants, computed from the contract's tables in memory, without Feast: for experiments.

The values are those that ``make features`` would write, by the same expression, at any instant asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from features.catalogue import Catalogue
from features.domain import OfferId
from features.stored import EVIDENCE, PROFILE
from training.histories import Histories

ROW, AT = "row", "at_us"


class Recall:
    """Remembers the tables of one folder."""

    def __init__(self, contract: Path, catalogue: Catalogue, threads: int) -> None:
        self._histories = Histories(contract, catalogue, threads)
        self._profile = self._histories.profile()

    def customers(self, customer_ids: Sequence[str], at: NDArray[np.int64]) -> pa.Table:
        """What was known of customers; see ``training.retrieve.Remembered``."""
        asked = _asked("customer_id", customer_ids, at)
        found = _joined(asked, self._histories.activity_at(asked), "customer_id")
        places = {name: place for place, name in enumerate(self._profile["customer_id"].to_pylist())}
        place = np.array([places.get(name, -1) for name in customer_ids])
        known_at = self._profile["event_timestamp"].cast(pa.int64()).to_numpy()
        missing = (place < 0) | (known_at[place] > at)
        told = self._profile.take(pa.array(place, mask=missing))
        for column in PROFILE.columns:
            found = found.append_column(column.name, told[column.name])
        return found

    def evidence(self, offer_ids: Sequence[OfferId], at: NDArray[np.int64]) -> pa.Table:
        """What had been shown of offers; see ``training.retrieve.Remembered``."""
        return _joined(_asked("offer_id", offer_ids, at), self._histories.evidence_at(at), EVIDENCE.entity)


def _asked(entity: str, keys: Sequence[str], at: NDArray[np.int64]) -> pa.Table:
    return pa.table({entity: pa.array(keys, pa.string()), AT: at, ROW: np.arange(len(at))})


def _joined(asked: pa.Table, found: pa.Table, entity: str) -> pa.Table:
    """The rows found, in the order asked; a join would not carry lists."""
    found_at = found["event_timestamp"].cast(pa.int64())
    numbered = pa.table({entity: found[entity], AT: found_at, "found": np.arange(len(found))})
    place = asked.join(numbered, [entity, AT]).sort_by(ROW)["found"]
    return found.take(place).drop_columns(["event_timestamp", "created_timestamp"])
