"""The stage of the buying cycle in one category: idle, curious or deciding, as a belief that can go back.

A hidden Markov chain with a step a day: stages move, show themselves by visits, baskets and purchases, and a purchase
leads back to idle. Of a customer's past in a category the latest interest, basket and purchase are known, so the belief
is that of the chain given these and nothing since; the days between a purchase and the latest interest count as unseen.
Categories are independent of each other, so several cycles run side by side.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

import numpy as np

from features.past import Past
from features.state import Floats

MOST_DAYS = 90
"""Days of silence after which nothing more is learnt from further ones."""
WITH_BASKET_DAYS = 0.5
"""A basket as near as this to the latest interest belongs to it."""


class Stage(StrEnum):
    """In the order in which they follow each other."""

    IDLE = "idle"
    CURIOUS = "curious"
    DECIDING = "deciding"


STAGES = tuple(Stage)


@dataclass(frozen=True)
class Cycle:
    """How stages move and show themselves. The values are an assumption, not fitted to any source."""

    moves: tuple[tuple[float, float, float], ...] = ((0.95, 0.04, 0.01), (0.15, 0.70, 0.15), (0.10, 0.10, 0.80))
    """Chance of tomorrow's stage by today's."""
    visits: tuple[float, float, float] = (0.01, 0.15, 0.25)
    """Chance of a visit or a click on a day, by stage."""
    baskets: tuple[float, float, float] = (0.001, 0.01, 0.06)
    """Chance of a basket."""

    @cached_property
    def steady(self) -> Floats:
        """The stages of somebody of whom nothing is known, ``[3]``."""
        found = np.linalg.matrix_power(np.array(self.moves), 400)[0]
        return np.asarray(found / found.sum(), dtype=np.float64)

    @cached_property
    def unseen(self) -> Floats:
        """What becomes of a belief over so many days of which nothing is known, ``[MOST_DAYS + 1, 3, 3]``."""
        return _powers(np.array(self.moves))

    @cached_property
    def silent(self) -> Floats:
        """The same over days without a visit; rows do not add up to 1."""
        return _powers(np.array(self.moves) * (1.0 - np.array(self.visits)))

    def belief(self, category: Past) -> Floats:
        """The chance of each stage now, ``[..., 3]``.

        Args:
            category: The past of categories, one each.
        """
        bought, basket = category.since("latest_purchases"), category.since("latest_baskets")
        interest = np.fmin(category.since("latest_interest"), basket)
        shows = ~np.isnan(interest) & ~(bought <= interest)
        # Before the latest interest: idle since a purchase, else as of anybody.
        before = np.where(np.isnan(bought)[..., None], self.steady, self.unseen[_days(bought - interest)][..., 0, :])
        seen = np.where((basket - interest <= WITH_BASKET_DAYS)[..., None], self.baskets, self.visits)
        after = np.einsum("...i,...ij->...j", before * seen, self.silent[_days(interest)])
        since_bought = self.silent[_days(bought)][..., 0, :]
        nobody = np.broadcast_to(self.steady @ self.silent[MOST_DAYS], before.shape)
        known = np.where(np.isnan(bought)[..., None], nobody, since_bought)
        found = np.where(shows[..., None], after, known)
        return np.asarray(found / found.sum(axis=-1, keepdims=True), dtype=np.float64)


def _powers(matrix: Floats) -> Floats:
    found = [np.eye(len(matrix))]
    for _ in range(MOST_DAYS):
        found.append(found[-1] @ matrix)
    return np.stack(found)


def _days(days: Floats) -> np.ndarray[tuple[int, ...], np.dtype[np.intp]]:
    """Whole days from 0 to MOST_DAYS; 0 where unknown."""
    return np.asarray(np.clip(np.nan_to_num(np.floor(days)), 0, MOST_DAYS), dtype=np.intp)


DEFAULT = Cycle()


def stages(category: Past, cycle: Cycle = DEFAULT) -> np.ndarray[tuple[int, ...], np.dtype[np.object_]]:
    """The likeliest stage of each category, as text, ``[...]``."""
    words = np.array([str(stage) for stage in STAGES], dtype=object)
    return np.asarray(words[cycle.belief(category).argmax(axis=-1)], dtype=object)
