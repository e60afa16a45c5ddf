"""A linear half whose slopes differ between groups, such as channels or categories: what ``linear`` is to one group."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from serving.linear import FAR, Matrix, compress

Floats = NDArray[np.float64]
Index = NDArray[np.intp]


@dataclass(frozen=True)
class Grouped:
    """Slopes and levels of every group, and how columns are brought to one scale."""

    impute: Floats
    """On the compressed scale, ``[n_columns]``, like the next two."""
    mean: Floats
    scale: Floats
    slopes: Floats
    """``[n_groups, n_columns]``."""
    levels: Floats
    """``[n_groups]``."""

    @cached_property
    def every(self) -> tuple[Floats, Floats]:
        """Slopes and levels with one group more: a group that was never seen is like the mean of the others."""
        return np.vstack([self.slopes, self.slopes.mean(axis=0)]), np.append(self.levels, self.levels.mean())

    def standardised(self, X: Matrix) -> Floats:
        """As ``Linear.standardised``."""
        return self.scaled(compress(X), slice(None))

    def scaled(self, z: Floats, columns: Index | slice) -> Floats:
        """Compressed values of these columns ``[…, n]`` with unknowns imputed, centred, scaled and held within FAR."""
        impute, mean, scale = self.impute[columns], self.mean[columns], self.scale[columns]
        return np.minimum(np.maximum((np.where(np.isnan(z), impute, z) - mean) / scale, -FAR), FAR)

    def raw(self, X: Matrix, group: Index) -> Floats:
        """Scores on the logit scale ``[n]`` of rows ``[n, n_columns]`` of these groups; ``n_groups`` is a new one."""
        slopes, levels = self.every
        scores: Floats = np.einsum("ij,ij->i", self.standardised(X), slopes[group]) + levels[group]
        return scores

    def contributions(self, X: Matrix, group: Index) -> Floats:
        """What each column adds to ``raw``, ``[n, n_columns + 1]``; the last column is the group's level."""
        slopes, levels = self.every
        return np.column_stack([self.standardised(X) * slopes[group], levels[group]])

    def to_dict(self) -> dict[str, Any]:
        """Plain lists; ``from_dict`` reads them back unchanged."""
        return {name: getattr(self, name).tolist() for name in _NAMES}

    @staticmethod
    def from_dict(raw: Mapping[str, Any]) -> Grouped:
        """What ``to_dict`` wrote."""
        return Grouped(*(np.asarray(raw[name], dtype=np.float64) for name in _NAMES))


_NAMES = ("impute", "mean", "scale", "slopes", "levels")
