"""Pairs as a grid: what of them depends on the offer, and what on the channel, found from the pairs themselves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Places = NDArray[np.intp]

SPARSEST = 3.0
"""Cells of a grid per pair in it that are worth scoring: sharing the rows of the grid saves more than that."""


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two dimensions of the grid.

    ``of_pair`` intp ``[n_pairs]`` is where a pair stands on it, ``example`` intp ``[n]`` a pair for each place, and
    ``follows`` says which of the labels are the same wherever the place is.
    """

    of_pair: Places
    example: Places
    follows: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.example)


def sides(labels: Sequence[Places], n_pairs: int) -> tuple[Side, Side]:
    """The smallest grid whose left or right place decides each label of a pair.

    Labels of offers end up on one side and labels of channels on the other. Where nothing can be told apart, each
    different pair is a place on the left and the right side has one place.

    Args:
        labels: Each intp ``[n_pairs]``: the category of a pair, its channel, a column of its content …
        n_pairs: How many pairs.
    """
    places = [np.zeros(n_pairs, dtype=np.intp), np.zeros(n_pairs, dtype=np.intp)]
    follows: list[list[int]] = [[], []]
    for number in sorted(range(len(labels)), key=lambda each: -_count(labels[each])):
        joined = [_joint(side, labels[number]) for side in places]
        sizes = [_count(side) for side in places]
        cells = [_count(joined[0]) * sizes[1], sizes[0] * _count(joined[1])]
        if _count(joined[0]) == sizes[0]:
            side = 0
        elif _count(joined[1]) == sizes[1]:
            side = 1
        else:
            side = 0 if sizes[0] == 1 or cells[1] > SPARSEST * cells[0] else 1
        places[side] = joined[side]
        follows[side].append(number)
    left, right = (
        Side(place, np.unique(place, return_index=True)[1], tuple(sorted(labelled)))
        for place, labelled in zip(places, follows, strict=True)
    )
    return left, right


def labelled(values: NDArray[np.float64]) -> Places:
    """Equal rows get equal labels, whatever their NaNs; intp ``[n]`` of float64 ``[n, n_columns]``."""
    rows = np.ascontiguousarray(values).view(np.uint64)
    return np.asarray(np.unique(rows, axis=0, return_inverse=True)[1], dtype=np.intp).reshape(-1)


def _count(places: Places) -> int:
    return int(places.max()) + 1 if len(places) else 0


def _joint(a: Places, b: Places) -> Places:
    return np.asarray(np.unique(a * (_count(b) or 1) + b, return_inverse=True)[1], dtype=np.intp)
