"""From scores on the logit scale to probabilities, and back to what each column adds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from serving.typical import OfferPair

Matrix = NDArray[np.float32]
Floats = NDArray[np.float64]


def sigmoid(x: Floats) -> Floats:
    """1 / (1 + exp(−x)), without overflow."""
    return 0.5 * (1.0 + np.tanh(0.5 * x))


def pair_key(offer_id: str, channel: str) -> str:
    """How a shift is filed: the offer, a bar, the channel (nothing where there is no channel)."""
    return f"{offer_id}|{channel}"


def shifts(intercepts: Mapping[str, float], pairs: Sequence[OfferPair]) -> Floats:
    """The shift of each pair, ``[n]``; 0 for those that are not there."""
    return np.array([intercepts.get(pair_key(o, c), 0.0) for o, _, c in pairs], dtype=np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class TakenApart:
    """Predictions taken apart, row by row; on the logit scale, weights and slope applied."""

    seen: Matrix
    """What was read, ``[n, n_own]``."""
    raw: Floats
    """The blended score before calibration, ``[n]``."""
    trees: Floats
    """What the trees add by column, then what is the same for all, ``[n, n_own + 1]``."""
    linear: Floats
    """The same of the linear half."""
    shifts: Floats
    """What experience with the pair adds, ``[n]``."""
