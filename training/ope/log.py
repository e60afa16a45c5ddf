"""Logged decisions beside what the policy under judgement would have done with the same customers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.errors import KairosError

Floats = NDArray[np.float64]


class OpeError(KairosError):
    """A log that cannot be evaluated."""


@dataclass(frozen=True, slots=True)
class Modelled:
    """What a reward model says; it must not have seen the rows it speaks about (cross-fitting)."""

    chosen: Floats
    """Expected reward of the logged action, ``[n]``."""
    policy: Floats
    """Expected reward of the policy under judgement: the sum over actions of its probability × reward, ``[n]``."""


@dataclass(frozen=True, slots=True)
class Log:
    """One row per decision; arrays are ``[n]``."""

    customer: NDArray[np.generic]
    """Whose decision it was: rows of one customer are not independent."""
    reward: Floats
    logged: Floats
    """Probability with which the logged action was chosen, above 0."""
    target: Floats
    """Probability with which the policy under judgement would have chosen that same action."""
    positive: NDArray[np.bool_]
    """True where something came of the decision, whatever it was worth after costs."""
    stands_for: Floats
    """Rows of the population that the row stands for."""
    modelled: Modelled | None = None

    @staticmethod
    def of(
        customer: NDArray[np.generic],
        reward: Floats,
        logged: Floats,
        target: Floats,
        positive: NDArray[np.bool_] | None = None,
        modelled: Modelled | None = None,
    ) -> Log:
        """A log in which every row stands for itself; positive is where the reward is, unless it is given.

        Raises OpeError where a probability cannot be one, or a value is not finite.
        """
        if not len(customer) == len(reward) == len(logged) == len(target):
            raise OpeError(f"columns of {len(customer)}, {len(reward)}, {len(logged)}, {len(target)} rows: align them")
        _refuse("logged probability", logged, (logged > 0) & (logged <= 1 + 1e-9), "leave out what has none")
        _refuse("target probability", target, (target >= 0) & (target <= 1 + 1e-9), "normalise the policy")
        _refuse("reward", reward, np.isfinite(reward), "leave out decisions whose outcome is not known yet")
        return Log(
            customer,
            reward,
            logged,
            target,
            reward > 0 if positive is None else positive,
            np.ones(len(reward)),
            modelled,
        )

    @property
    def importance(self) -> Floats:
        """How much more often the policy under judgement takes the logged action: target / logged, ``[n]``."""
        return self.target / self.logged

    def model(self) -> Modelled:
        """The reward model's words; OpeError without them."""
        if self.modelled is None:
            raise OpeError("this estimator needs a reward model: pass Modelled, cross-fitted")
        return self.modelled


def _refuse(what: str, values: Floats, good: NDArray[np.bool_], remedy: str) -> None:
    if not bool(good.all()):
        raise OpeError(f"{what} {float(values[~good][0]):g} in {int((~good).sum())} rows: {remedy}")
