"""Do no harm: personal choice only where it is shown to beat the best single arm, on customers not learnt from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from training.ope.dr import dr
from training.ope.log import Log, Modelled
from training.ope.overlap import Overlap
from training.ope.ratios import Ratios
from training.ope.terms import Terms, gain
from training.ope.verdict import Answer, verdict
from training.ope.wald import wald
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
    unjudged: str = ""
    """Why nothing can be said of the gain: too few rows, or too few purchases, match the personal choice."""

    @property
    def personal(self) -> bool:
        """Whether the personal choice is served."""
        return not self.unjudged and self.gain - SURE * self.error > 0

    def constant(self, opened: Mask) -> Index:
        """The best single arm that is open, of every row ``[m]``."""
        order = np.array(self.order, dtype=np.intp)
        found: Index = order[opened[:, order].argmax(axis=1)]
        return found


def best_open(scores: Floats, trial: Trial) -> Index:
    """The open arm of the highest score, of every row."""
    found: Index = np.where(trial.open, scores, -np.inf).argmax(axis=1)
    return found


def matched(trial: Trial, value: Floats, choice: Index) -> Log:
    """A choice ``[n]`` as estimators read it; ``value`` ``[n, arms]`` must not have seen the rows."""
    rows = np.arange(len(trial))
    target = (choice == trial.arm).astype(np.float64)
    modelled = Modelled(value[rows, trial.arm], value[rows, choice])
    return Log(trial.customer, trial.reward, trial.probability, target, trial.bought, trial.stands_for, modelled)


def robust(trial: Trial, value: Floats, choice: Index) -> Terms:
    """The doubly robust terms of a choice ``[n]``."""
    return dr(matched(trial, value, choice))


def harmless(trial: Trial, value: Floats) -> Harm:
    """Judge the choice of the highest value against the best constant.

    Args:
        trial: The rows.
        value: Of every arm, by models that had not seen the row, ``[n, arms]``.
    """
    order = tuple(int(arm) for arm in np.argsort(-_constants(trial, value), kind="stable"))
    chosen, constant = best_open(value, trial), Harm(order, 0.0, 0.0).constant(trial.open)
    if np.array_equal(chosen, constant):
        return Harm(order, 0.0, 0.0)
    logs = [matched(trial, value, each) for each in (chosen, constant)]
    ratios = Ratios.of(gain(dr(logs[0]), dr(logs[1])))
    # Nobody needs to buy when nothing is offered: where nothing is best, purchases need not be seen there.
    asked = logs[:1] if trial.arms[order[0]].silent else logs
    found = verdict(wald(ratios), tuple(Overlap.of(log) for log in asked))
    unjudged = found.reason if found.answer is Answer.NO_VERDICT else ""
    return Harm(order, ratios.value or 0.0, ratios.standard_error or 0.0, unjudged)


def _constants(trial: Trial, value: Floats) -> Floats:
    """The doubly robust value of every arm given to everybody for whom it is open, ``[arms]``."""
    worth = np.full(len(trial.arms), -np.inf)
    for arm in range(len(trial.arms)):
        rows = trial.open[:, arm]
        if rows.any():
            found = Ratios.of(robust(trial.where(rows), value[rows], np.full(int(rows.sum()), arm))).value
            worth[arm] = -np.inf if found is None else found
    return worth
