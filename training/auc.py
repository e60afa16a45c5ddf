"""Area under the ROC curve, weighted, over all rows or only between rows of one group (offer, campaign)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class Ranking:
    """Rows in the order of a score; answers for any weights without sorting again."""

    def __init__(self, taken: NDArray[Any], score: Floats, group: NDArray[Any] | None = None) -> None:
        codes = np.zeros(len(score), dtype=np.intp) if group is None else np.unique(group, return_inverse=True)[1]
        self._order = np.lexsort((score, codes))
        self._taken = np.asarray(taken, dtype=np.float64)[self._order]
        ordered, codes = score[self._order], codes[self._order]
        new_group = np.r_[True, codes[1:] != codes[:-1]][: len(score)]
        new_tie = new_group | np.r_[True, ordered[1:] != ordered[:-1]][: len(score)]
        self._ties = np.flatnonzero(new_tie)
        self._group_of_tie = (np.cumsum(new_group) - 1)[self._ties]
        self._first_tie = np.flatnonzero(np.r_[True, np.diff(self._group_of_tie) > 0][: len(self._ties)])

    def auc(self, weight: Floats) -> float:
        """Share of (taken, not taken) pairs of one group that stand in the right order; equal scores count half.

        NaN where no group has both. ``weight`` is ``[n]``, in the order of the rows given.
        """
        if not len(self._ties):
            return float("nan")
        w = weight[self._order]
        positive = np.add.reduceat(w * self._taken, self._ties)
        negative = np.add.reduceat(w * (1.0 - self._taken), self._ties)
        below = np.cumsum(negative) - negative
        below -= below[self._first_tie][self._group_of_tie]
        pairs = np.add.reduceat(positive, self._first_tie) @ np.add.reduceat(negative, self._first_tie)
        return float(positive @ (below + 0.5 * negative) / pairs) if pairs > 0 else float("nan")
