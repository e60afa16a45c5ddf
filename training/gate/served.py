"""What a model would have served on logged decisions, exploration included, beside what was logged."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from training.ope.log import Floats, Log, Modelled

FILE = "policy.parquet"
"""Beside the model; serving does not read it."""

COLUMN = {"decision": "decision_id", "customer": "customer_id"}
"""What columns are called in the file: erasure finds customers by that name."""


@dataclass(frozen=True, slots=True, eq=False)
class Served:
    """One row per judged decision, arrays ``[n]``; money in minor units."""

    decision: NDArray[np.generic]
    customer: NDArray[np.generic]
    reward: Floats
    positive: NDArray[np.bool_]
    logged: Floats
    """Probability with which the logged action was chosen."""
    target: Floats
    """Probability with which the model's policy would have chosen it."""
    constant: Floats
    """The same of the best single action, chosen on decisions before these."""
    modelled: Floats
    """What a reward model, which has not seen the row, expects of the logged action …"""
    of_target: Floats
    """… of the model's policy …"""
    of_constant: Floats
    """… and of the best single action."""

    def log(self) -> Log:
        """The model's policy as estimators read it."""
        return self._log(self.target, self.of_target)

    def log_of_constant(self) -> Log:
        """The best single action."""
        return self._log(self.constant, self.of_constant)

    def _log(self, target: Floats, expected: Floats) -> Log:
        seen = Modelled(self.modelled, expected)
        return Log.of(self.customer, self.reward, self.logged, target, self.positive, seen)

    def at(self, rows: NDArray[np.intp]) -> Served:
        """The rows at these places."""
        return Served(*(getattr(self, f.name)[rows] for f in fields(Served)))

    def write(self, folder: Path) -> None:
        """Write FILE into the folder."""
        columns = {COLUMN.get(f.name, f.name): getattr(self, f.name) for f in fields(Served)}
        pd.DataFrame(columns).to_parquet(folder / FILE, index=False)

    @staticmethod
    def read(folder: Path) -> Served | None:
        """What ``write`` wrote; None where the data told no probabilities."""
        file = folder / FILE
        if not file.exists():
            return None
        found = pd.read_parquet(file)
        return Served(*(found[COLUMN.get(f.name, f.name)].to_numpy() for f in fields(Served)))


def in_common(one: Served, other: Served) -> tuple[Served, Served]:
    """The decisions that both were judged on, in the same order."""
    _, mine, theirs = np.intersect1d(one.decision.astype(str), other.decision.astype(str), return_indices=True)
    return one.at(mine), other.at(theirs)
