"""A memory as it looks from one instant: sums aged, instants turned into days ago. Works on one row or on millions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from features.domain import DAY
from features.schema import Section
from features.state import NEVER, NOT_YET, Floats, Instants, Memory, half_lives_us, unset


@dataclass(frozen=True, slots=True)
class Past:
    """Aged sums ``[..., n_sums]`` and days since each extreme ``[..., n_extremes]``, NaN where it never happened."""

    section: Section
    sums: Floats
    days: Floats

    def sum(self, name: str) -> Floats:
        """The decayed sum of that name, for instance ``purchases_30d``; ``[...]``."""
        return self.sums[..., _places(self.section)[name]]

    def since(self, name: str) -> Floats:
        """Days since the instant of that name, for instance ``latest_purchases``; NaN where it never happened."""
        return self.days[..., _places(self.section)[name]]


@cache
def _places(section: Section) -> dict[str, int]:
    return {s.name: i for i, s in enumerate(section.sums)} | {e.name: i for i, e in enumerate(section.extremes)}


def past(section: Section, sums: Floats, instants: Instants, reference: ArrayLike, at: ArrayLike) -> Past:
    """What rows of a section mean at an instant.

    Args:
        section: The section the rows belong to.
        sums: float64 ``[..., n_sums]``, aged to ``reference``.
        instants: int64 ``[..., n_extremes]``.
        reference: int64 microseconds, broadcast against the leading shape; ``NEVER`` where nothing is known.
        at: int64 microseconds, broadcast likewise. An ``at`` before the reference counts as the reference.
    """
    known = np.asarray(reference, dtype=np.int64)
    now = np.asarray(at, dtype=np.int64)
    elapsed = np.maximum(now - np.where(known == NEVER, now, known), 0)
    factors = np.exp2(-elapsed[..., None] / half_lives_us(section))
    return Past(section, sums * factors, days_since(instants, now[..., None]))


def days_since(instants: Instants, at: Instants) -> Floats:
    """Days from each instant to ``at``, not below 0; NaN for an unset instant."""
    happened = (instants != NEVER) & (instants != NOT_YET)
    elapsed = np.maximum(at - np.where(happened, instants, at), 0)
    return np.where(happened, elapsed / DAY, np.nan)


def rows_of(section: Section, memory: Memory, keys: Sequence[str]) -> tuple[Floats, Instants]:
    """The rows of a memory for these keys, in their order; a key never touched gives zeros and unset instants.

    Returns:
        float64 ``[len(keys), n_sums]`` and int64 ``[len(keys), n_extremes]``.
    """
    place = {key: row for row, key in enumerate(memory.keys)}
    wanted: NDArray[np.intp] = np.array([place.get(key, len(place)) for key in keys], dtype=np.intp)
    sums = np.vstack([memory.sums, np.zeros((1, len(section.sums)))])
    instants = np.vstack([memory.instants, unset(section)[None, :]])
    return sums[wanted], instants[wanted]
