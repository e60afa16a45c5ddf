"""What a contact changes for whom: the T-, X- and DR-learner behind one interface, and a response model beside them.

T and X: Künzel et al., *PNAS* 2019. DR: Kennedy, *Electronic Journal of Statistics* 2023.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import lightgbm
import numpy as np
from numpy.typing import NDArray

from training.folds import by_customer
from training.ope.log import Floats

Mask = NDArray[np.bool_]
Effect = Callable[[NDArray[np.float32]], Floats]
"""From columns ``[m, columns]`` to the expected effect of the contact, ``[m]``."""
ROUNDS = 60
TREES = {
    "objective": "regression",
    "num_leaves": 6,
    "learning_rate": 0.08,
    "min_data_in_leaf": 40,
    "lambda_l2": 10.0,
    "feature_fraction": 0.6,
    "num_threads": 1,
    "deterministic": True,
    "force_row_wise": True,
    "verbosity": -1,
}


@dataclass(frozen=True, slots=True, eq=False)
class Arm:
    """Customers who got one arm, and those who got nothing; arrays are ``[n]``."""

    X: NDArray[np.float32]
    """``[n, columns]``."""
    customer: NDArray[np.generic]
    contacted: Mask
    outcome: Floats
    chance: Floats
    """Probability of the arm where it is the arm or nothing, strictly between 0 and 1."""

    def where(self, rows: Mask) -> Arm:
        """These rows."""
        return replace(self, **{f.name: getattr(self, f.name)[rows] for f in fields(self)})

    @property
    def probability(self) -> Floats:
        """Of what was done."""
        return np.where(self.contacted, self.chance, 1.0 - self.chance)


Learner = Callable[[Arm, int], Effect]
"""From rows and a seed."""


def response(arm: Arm, seed: int) -> Effect:
    """Who answers a contact: no effect at all, but hard to beat as an order where few would act unasked."""
    return _regression(arm.X[arm.contacted], arm.outcome[arm.contacted], seed)


def t_learner(arm: Arm, seed: int) -> Effect:
    """Two models, subtracted."""
    with_it, without = _both(arm, seed)
    return lambda X: with_it(X) - without(X)


def x_learner(arm: Arm, seed: int) -> Effect:
    """Effects imputed to each side by the other's model, then weighed by the chance of the arm."""
    with_it, without = _both(arm, seed)
    got, not_got = arm.where(arm.contacted), arm.where(~arm.contacted)
    of_got = _regression(got.X, got.outcome - without(got.X), seed)
    of_not = _regression(not_got.X, with_it(not_got.X) - not_got.outcome, seed)
    share = float(arm.chance.mean())
    return lambda X: share * of_not(X) + (1.0 - share) * of_got(X)


def dr_learner(arm: Arm, seed: int) -> Effect:
    """A regression of the doubly robust effect of each row, by models that had not seen its customer."""
    effect = np.zeros(len(arm.outcome))
    for out in by_customer(arm.customer):
        with_it, without = _both(arm.where(~out), seed)
        held = arm.where(out)
        m1, m0 = with_it(held.X), without(held.X)
        rest = held.outcome - np.where(held.contacted, m1, m0)
        effect[out] = m1 - m0 + np.where(held.contacted, rest / held.chance, -rest / (1.0 - held.chance))
    return _regression(arm.X, effect, seed)


LEARNERS: Mapping[str, Learner] = {"response": response, "T": t_learner, "X": x_learner, "DR": dr_learner}


def _both(arm: Arm, seed: int) -> tuple[Effect, Effect]:
    with_it = _regression(arm.X[arm.contacted], arm.outcome[arm.contacted], seed)
    return with_it, _regression(arm.X[~arm.contacted], arm.outcome[~arm.contacted], seed)


def _regression(X: NDArray[np.float32], y: Floats, seed: int) -> Effect:
    if len(y) < 2 * int(str(TREES["min_data_in_leaf"])):
        mean = float(y.mean()) if len(y) else 0.0
        return lambda asked: np.full(len(asked), mean)
    trees: Any = lightgbm.train({**TREES, "seed": seed}, lightgbm.Dataset(X, y), num_boost_round=ROUNDS)
    return lambda asked: np.asarray(trees.predict(asked), dtype=np.float64)
