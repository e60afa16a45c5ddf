"""A log as learners of value read it: who was there, which arm was drawn with which probability, what came of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Index = NDArray[np.intp]
Mask = NDArray[np.bool_]
Matrix = NDArray[np.float32]
NONE = "none"


@dataclass(frozen=True, slots=True)
class Arm:
    """One thing that could be done; money in minor units."""

    name: str
    offer_id: str | None
    """None where nothing is offered."""
    channel: str | None
    category: str = ""
    margin: float = 0.0
    incentive: float = 0.0
    min_spend: float = 0.0
    window_days: float = 0.0
    cost: float = 0.0
    """Of one contact."""
    rare: bool = False
    """Logged too seldom to be chosen."""

    @property
    def silent(self) -> bool:
        """True where nothing is offered."""
        return self.offer_id is None


@dataclass(frozen=True, slots=True, eq=False)
class Trial:
    """One row per decision; arrays are ``[n]`` where nothing else is said, money is minor units."""

    arms: tuple[Arm, ...]
    """All arms; nothing, where it was logged, stands first."""
    names: tuple[str, ...]
    """Columns of ``X``."""
    X: Matrix
    """What was known before the decision, float32 ``[n, columns]``, NaN where unknown."""
    customer: NDArray[np.generic]
    arm: Index
    probability: Floats
    """With which that arm was drawn."""
    gross: Floats
    """What came in, before incentive and cost; 0 where nothing was bought."""
    given: Floats
    """Incentive paid."""
    cost: Floats
    """Of the contact."""
    stands_for: Floats
    """Rows of the population that the row stands for."""
    open: Mask
    """Arms that may be chosen, at least one of every row, ``[n, arms]``."""

    def __len__(self) -> int:
        return len(self.arm)

    @property
    def reward(self) -> Floats:
        """What the decision earned."""
        return self.gross - self.given - self.cost

    @property
    def bought(self) -> Mask:
        """Where anything came in."""
        return self.gross > 0

    def where(self, chosen: Mask) -> Trial:
        """The chosen rows."""
        return self.at(np.flatnonzero(chosen))

    def at(self, rows: Index) -> Trial:
        """The rows at these places."""
        of_rows = [f.name for f in fields(self) if f.name not in ("arms", "names")]
        return replace(self, **{name: getattr(self, name)[rows] for name in of_rows})


Scores = Callable[[Matrix], Floats]
"""From what is known, ``[m, columns]``, to the expected reward of every arm, minor units ``[m, arms]``."""
Learner = Callable[[Trial], Scores]
"""From a log to scores of anybody. Whoever judges the scores passes rows that the learner has not seen."""
