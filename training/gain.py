"""What contacting the likeliest first is worth: the share of all outcomes that a share of the contacts reaches."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def gain(taken: NDArray[Any], score: Floats, weight: Floats) -> tuple[Floats, Floats]:
    """Share of the population contacted and share of the outcomes among them, ``[n + 1]`` each, from 0 to 1.

    Equal scores are contacted in the mean of all their orders. No outcome at all gives the diagonal.
    """
    order = np.argsort(-score, kind="stable")
    w, y, s = weight[order], np.asarray(taken, dtype=np.float64)[order], score[order]
    contacted = np.r_[0.0, np.cumsum(w)]
    got = np.r_[0.0, np.cumsum(w * y)]
    if got[-1] <= 0:
        return contacted / contacted[-1], contacted / contacted[-1]
    ends = np.r_[0, np.flatnonzero(np.r_[s[1:] != s[:-1], True]) + 1]
    return contacted / contacted[-1], np.interp(contacted, contacted[ends], got[ends]) / got[-1]


def gain_at(taken: NDArray[Any], score: Floats, weight: Floats, share: float) -> float:
    """Share of the outcomes among the best ``share`` of the population."""
    return float(np.interp(share, *gain(taken, score, weight)))
