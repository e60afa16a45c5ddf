"""Logged slates: several places, each filled given the places above it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.ope.log import Floats, OpeError


@dataclass(frozen=True, slots=True)
class Followed:
    """A reward model for users who read from the top; it must not have seen the rows it speaks about.

    Both are about what is earned from this place downwards when the policy under judgement fills the places below.
    """

    chosen: Floats
    """After the logged items of this place and above, ``[n, k]``."""
    policy: Floats
    """After the logged items above, this place filled by the policy under judgement, ``[n, k]``."""


@dataclass(frozen=True, slots=True)
class Slates:
    """One row per slate; an unfilled place earns 0 and has probability 1 under both policies."""

    customer: NDArray[np.generic]
    reward: Floats
    """Reward of every place, ``[n, k]``."""
    logged: Floats
    """Probability of the item at each place given the items above it, ``[n, k]``."""
    target: Floats
    """The same under the policy under judgement, given the logged items above, ``[n, k]``."""
    logged_at_place: Floats | None = None
    """Probability that the item stands at this place, whatever stands above, ``[n, k]``; None where not computed."""
    target_at_place: Floats | None = None
    followed: Followed | None = None

    def cumulated(self) -> Floats:
        """Weight of the slate down to and including each place, ``[n, k]``."""
        return np.cumprod(self.target / self.logged, axis=1, dtype=np.float64)

    def at_place(self) -> Floats:
        """Weight of each item at its place, whatever stands above, ``[n, k]``; OpeError where it is not known."""
        if self.logged_at_place is None or self.target_at_place is None:
            raise OpeError("this estimator needs the probability of each item at its place: pass both `_at_place`")
        return self.target_at_place / self.logged_at_place
