"""Who could be offered what, what that is worth, and what it would use up."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.float32] | NDArray[np.float64]
Floats = NDArray[np.float64]
Indices = NDArray[np.int64]
BLOCK = 4_096
"""Customers that are looked at together: their scores need not all be in memory."""
SILENT = -1
"""Instead of an option: nothing is offered."""


@dataclass(frozen=True)
class Demand:
    """An audience with all that may be offered. Each customer gets one option or silence, which is worth 0."""

    scores: Scores
    """Worth before any price, ``[n_customers, n_options]``; minus infinity where it may not be offered."""
    uses: Floats
    """What one grant of each option uses up, not negative, ``[n_options, n_resources]``."""
    limits: Floats
    """What is left of each resource, not negative, ``[n_resources]``; infinite where there is enough for all."""

    def blocks(self) -> Iterator[tuple[slice, Floats]]:
        """The scores in pieces, with the rows they are of."""
        for first in range(0, len(self.scores), BLOCK):
            rows = slice(first, first + BLOCK)
            yield rows, np.asarray(self.scores[rows], dtype=np.float64)

    def charges(self, prices: Floats) -> Floats:
        """What the prices take off the score of each option, ``[n_options]``."""
        charged: Floats = self.uses @ prices
        return charged

    def bound(self, prices: Floats) -> float:
        """What no allocation can exceed, whatever the prices (weak duality); it is tight at the best ones."""
        finite = np.isfinite(self.limits)
        rents = sum(np.maximum(block.max(axis=1, initial=0.0), 0.0).sum() for block in self._net(prices))
        return float(prices[finite] @ self.limits[finite] + rents)

    def regrets(self, prices: Floats) -> Floats:
        """What each customer would lose by the second best choice, silence among them, ``[n_customers]``."""
        return np.concatenate([np.empty(0), *(_regret(block) for block in self._net(prices))])

    def _net(self, prices: Floats) -> Iterator[Floats]:
        charges = self.charges(prices)
        return (block - charges for _, block in self.blocks())

    def part(self, rows: Indices, limits: Floats) -> Demand:
        """The same for some customers, with other limits."""
        return replace(self, scores=self.scores[rows], limits=limits)

    def worth(self, choices: Indices) -> float:
        """What an allocation is worth; ``choices`` are options or SILENT, ``[n_customers]``."""
        rows = np.flatnonzero(choices != SILENT)
        return float(np.asarray(self.scores[rows, choices[rows]], dtype=np.float64).sum())

    def used(self, choices: Indices) -> Floats:
        """What an allocation uses up, ``[n_resources]``."""
        used: Floats = self.uses[choices[choices != SILENT]].sum(axis=0)
        return used


def _regret(net: Floats) -> Floats:
    nothing = np.column_stack([np.zeros(len(net)), np.full(len(net), -np.inf)])
    choices = np.hstack([nothing, net])
    top = np.partition(choices, -2, axis=1)[:, -2:]
    found: Floats = top[:, 1] - top[:, 0]
    return found
