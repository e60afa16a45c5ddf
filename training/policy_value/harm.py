"""Do no harm: personal choice only where it is shown to beat the best single arm, on customers not learnt from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from training.ope.dr import dr
from training.ope.log import Log, Modelled
from training.ope.ratios import Ratios
from training.ope.terms import Terms, gain
from training.value.trial import Floats, Index, Mask, Trial

SURE = 1.645
"""Standard errors by which the gain must be positive: one-sided 95 %."""


@dataclass(frozen=True, slots=True)
class Harm:
    """What the gate found on rows whose scores came from models that had not seen them."""

    order: tuple[int, ...]
    """Arms from the best constant down, by doubly robust value."""
    gain: float
    """Of the personal choice over the best constant, minor units per decision."""
    error: float
    """Its standard error, clustered by customer."""

    @property
    def personal(self) -> bool:
        """Whether the personal choice is served."""
        return self.gain - SURE * self.error > 0

    def constant(self, opened: Mask) -> Index:
        """The best single arm that is open, of every row ``[m]``."""
        order = np.array(self.order, dtype=np.intp)
        found: Index = order[opened[:, order].argmax(axis=1)]
        return found


def best_open(scores: Floats, trial: Trial) -> Index:
    """The open arm of the highest score, of every row."""
    found: Index = np.where(trial.open, scores, -np.inf).argmax(axis=1)
    return found


def robust(trial: Trial, value: Floats, choice: Index) -> Terms:
    """The doubly robust terms of a choice ``[n]``; ``value`` ``[n, arms]`` must not have seen the rows."""
    rows = np.arange(len(trial))
    target = (choice == trial.arm).astype(np.float64)
    modelled = Modelled(value[rows, trial.arm], value[rows, choice])
    one = np.ones(len(trial))
    return dr(
        Log(trial.customer, trial.reward, trial.probability, target, trial.bought, one * trial.stands_for, modelled)
    )


def harmless(trial: Trial, value: Floats) -> Harm:
    """Judge the choice of the highest value against the best constant.

    Args:
        trial: The rows.
        value: Of every arm, by models that had not seen the row, ``[n, arms]``.
    """
    worth = []
    for arm in range(len(trial.arms)):
        rows = trial.open[:, arm]
        found = Ratios.of(robust(trial, value, np.full(len(trial), arm))).value if rows.all() else None
        if found is None and rows.any():
            within = trial.where(rows)
            found = Ratios.of(robust(within, value[rows], np.full(int(rows.sum()), arm))).value
        worth.append(-np.inf if found is None else found)
    order = tuple(int(arm) for arm in np.argsort(-np.array(worth), kind="stable"))
    first = Harm(order, 0.0, 0.0)
    ratios = Ratios.of(
        gain(robust(trial, value, best_open(value, trial)), robust(trial, value, first.constant(trial.open)))
    )
    return Harm(order, ratios.value or 0.0, ratios.standard_error or 0.0)
