"""Gradient-boosted trees, read from LightGBM's own text. The only place of the service that knows LightGBM."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.errors import ModelError

Matrix = NDArray[np.float32]
Floats = NDArray[np.float64]


class Booster:
    """Trees over named columns. LightGBM is imported at the first use, not before.

    One thread always: the rows of one request are too few to share out.
    """

    def __init__(self, text: str) -> None:
        self.text = text

    @staticmethod
    def read(path: Path) -> Booster:
        """The trees in a file that LightGBM's ``save_model`` wrote. Raises ModelError when it cannot be read."""
        try:
            return Booster(path.read_text())
        except (OSError, UnicodeDecodeError) as error:
            raise ModelError(f"the trees in {path} cannot be read ({error}): train again") from error

    @cached_property
    def _trees(self) -> Any:
        import lightgbm

        try:
            return lightgbm.Booster(model_str=self.text)
        except lightgbm.basic.LightGBMError as error:
            raise ModelError(f"these are no trees of LightGBM ({error}): train again, or promote another") from error

    def raw(self, X: Matrix, rounds: int | None = None) -> Floats:
        """Scores on the logit scale ``[n]`` of rows ``[n, n_columns]``; NaN stands for unknown.

        ``rounds`` uses only the first so many trees.
        """
        if not len(X):
            return np.zeros(0)
        found = self._trees.predict(X, raw_score=True, num_iteration=rounds, num_threads=1)
        return np.asarray(found, dtype=np.float64)

    def contributions(self, X: Matrix) -> Floats:
        """What each column adds to the raw score (Shapley values of the trees), ``[n, n_columns + 1]``.

        The last column is the mean score; rows add up to ``raw``. Lundberg et al., From local explanations to global
        understanding with explainable AI for trees, 2020.
        """
        if not len(X):
            return np.zeros((0, X.shape[1] + 1))
        return np.asarray(self._trees.predict(X, pred_contrib=True, num_threads=1), dtype=np.float64)

    def gain(self) -> Floats:
        """What splits on each column gained in training, ``[n_columns]``."""
        return np.asarray(self._trees.feature_importance("gain"), dtype=np.float64)
