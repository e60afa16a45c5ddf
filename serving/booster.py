"""Gradient-boosted trees, read from LightGBM's own text. The only place of the service that knows LightGBM.

Scores come from our own scorer, which equals LightGBM's bit by bit; LightGBM itself explains them, and is loaded then.
"""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from features.errors import ModelError

if TYPE_CHECKING:
    from serving.trees.forest import Forest

Matrix = NDArray[np.float32]
Floats = NDArray[np.float64]


class Booster:
    """Trees over named columns. LightGBM is imported where it is needed first, on one thread always."""

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

    @cached_property
    def forest(self) -> Forest:
        """The same trees as arrays."""
        from serving.trees.forest import Forest  # The compiler it needs takes a second to import.

        return Forest.parse(self.text)

    def raw(self, X: Matrix) -> Floats:
        """Scores on the logit scale ``[n]`` of rows ``[n, n_columns]``; NaN stands for unknown."""
        return self.forest.raw(X)

    def raw_after(self, rounds: int, X: Matrix) -> Floats:
        """The same of the first so many trees only; LightGBM's own."""
        return np.asarray(self._trees.predict(X, raw_score=True, num_iteration=rounds, num_threads=1), dtype=np.float64)

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
