"""What reasons speak of: the things that offers are for, their categories, and the channels, each with a number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from serving.pairs import Pair

NOTHING = -1
"""The number of what an offer is for that is for nothing in particular."""


@dataclass(frozen=True, eq=False)
class Nouns:
    """Those of some pairs."""

    words: tuple[str, ...]
    """By number."""
    table: NDArray[np.int64]
    """``[3, n_pairs]``: the number of what each offer is for, of its category, of the channel."""

    @staticmethod
    def of(pairs: Sequence[Pair]) -> Nouns:
        """Those of these pairs."""
        numbers: dict[str, int] = {}
        rows = [
            (
                NOTHING if pair.offer.buys is None else numbers.setdefault(pair.offer.buys, len(numbers)),
                numbers.setdefault(pair.offer.category, len(numbers)),
                numbers.setdefault(pair.channel.name, len(numbers)),
            )
            for pair in pairs
        ]
        return Nouns(tuple(numbers), np.array(rows, dtype=np.int64).reshape(len(pairs), 3).T.copy())
