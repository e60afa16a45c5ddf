"""The linear half of a model: logistic regression on compressed, imputed, standardised columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float32]
Floats = NDArray[np.float64]
FAR = 5.0
"""Standard deviations beyond which a column counts no further: a straight line is no guide out there."""


def compress(X: Matrix | Floats) -> Floats:
    """sign(x) · log(1 + |x|), so that counts, days and money stand on one scale; NaN stays NaN."""
    wide = np.asarray(X, dtype=np.float64)
    return np.sign(wide) * np.log1p(np.abs(wide))


@dataclass(frozen=True, slots=True)
class Linear:
    """Each array float64 ``[n_columns]``; ``impute`` is on the compressed scale."""

    impute: Floats
    mean: Floats
    scale: Floats
    coef: Floats
    intercept: float

    def standardised(self, X: Matrix) -> Floats:
        """Compressed columns with unknowns imputed, centred, scaled and held within FAR; ``[n, n_columns]``."""
        z = compress(X)
        return np.clip((np.where(np.isnan(z), self.impute, z) - self.mean) / self.scale, -FAR, FAR)

    def raw(self, X: Matrix) -> Floats:
        """Scores on the logit scale ``[n]`` of rows ``[n, n_columns]``; NaN stands for unknown."""
        return self.standardised(X) @ self.coef + self.intercept

    def contributions(self, X: Matrix) -> Floats:
        """What each column adds to ``raw``, ``[n, n_columns + 1]``; the last column is the intercept."""
        own = self.standardised(X) * self.coef
        return np.column_stack([own, np.full(len(own), self.intercept)])

    def to_dict(self) -> dict[str, Any]:
        """Plain lists and numbers; ``from_dict`` reads them back unchanged."""
        arrays = {name: getattr(self, name).tolist() for name in ("impute", "mean", "scale", "coef")}
        return arrays | {"intercept": self.intercept}

    @staticmethod
    def from_dict(raw: Mapping[str, Any]) -> Linear:
        """What ``to_dict`` wrote."""
        arrays = {name: np.asarray(raw[name], dtype=np.float64) for name in ("impute", "mean", "scale", "coef")}
        return Linear(**arrays, intercept=float(raw["intercept"]))
