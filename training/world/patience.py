"""A customer's patience as a small dynamic programme, solved exactly: what contacts are worth when they wear out.

One customer, one channel: every day brings a chance of some value; a contact earns it in proportion to the attention
left, uses attention up, and may be the last one. The state is the attention, on a grid; in between it is interpolated.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.world.people import Floats

GRID = 101


@dataclass(frozen=True, slots=True, eq=False)
class Patience:
    """The programme of one customer."""

    values: Floats
    """What a contact with full attention would earn today, one of these with equal chance, minor units, ``[k]``."""
    cost: float
    """Of a contact, minor units."""
    wear: float
    """Share of attention that a contact uses up."""
    missing: float
    """Share of missing attention that is still missing a day later."""
    optout_rested: float
    optout_weary: float
    """What missing attention adds to the chance of losing the customer: this, times its square."""
    discount: float = 0.995
    """Per day."""

    @property
    def attention(self) -> Floats:
        """The grid, ``[101]``."""
        return np.linspace(0.0, 1.0, GRID)

    def reward(self) -> Floats:
        """What a contact earns now, ``[101, k]``."""
        earned: Floats = self.attention[:, None] * self.values - self.cost
        return earned

    def solve(self) -> tuple[NDArray[np.bool_], float]:
        """When to speak, ``[101, k]``, and what the best policy is worth from full attention on, minor units.

        Policy iteration (Howard, 1960): it ends, at the best policy, after a few rounds.
        """
        speak = self.priced(0.0)
        while True:
            quiet, spoken = self._tomorrow()
            worth = self._worth(speak)
            better = self.reward() + (spoken @ worth)[:, None] > (quiet @ worth)[:, None] + 1e-9
            if bool((better == speak).all()):
                return speak, float(worth[-1])
            speak = better

    def worth(self, speak: NDArray[np.bool_]) -> float:
        """What a policy is worth from full attention on, minor units; ``speak`` is ``[101, k]``."""
        return float(self._worth(speak)[-1])

    def _worth(self, speak: NDArray[np.bool_]) -> Floats:
        """What a policy is worth from every level of attention on, ``[101]``: a linear system, solved."""
        quiet, spoken = self._tomorrow()
        often = speak.mean(axis=1)[:, None]
        earned = np.where(speak, self.reward(), 0.0).mean(axis=1)
        worth: Floats = np.linalg.solve(np.eye(GRID) - (1.0 - often) * quiet - often * spoken, earned)
        return worth

    def _tomorrow(self) -> tuple[Floats, Floats]:
        """Where silence and a contact lead, discounted: weights of tomorrow's levels, ``[101, 101]``."""
        grid = self.attention
        rested = 1.0 - (1.0 - grid) * self.missing
        worn = 1.0 - (1.0 - grid * (1.0 - self.wear)) * self.missing
        stays = 1.0 - self.optout_rested - self.optout_weary * (1.0 - grid) ** 2
        return self.discount * _between(rested), self.discount * stays[:, None] * _between(worn)

    def priced(self, price: float, slope: float = 0.0) -> NDArray[np.bool_]:
        """Speak where a contact earns more than its price, which rises with the attention that is missing."""
        return self.reward() > price + slope * (1.0 - self.attention)[:, None]


def _between(level: Floats) -> Floats:
    """Weights of the two levels of the grid around each given one, ``[101, 101]``."""
    below = np.minimum((level * (GRID - 1)).astype(np.intp), GRID - 2)
    share, rows = level * (GRID - 1) - below, np.arange(GRID)
    weights = np.zeros((GRID, GRID))
    weights[rows, below] = 1.0 - share
    weights[rows, below + 1] = share
    return weights
