"""Grouped parts made ready for the pairs of one assortment: the same probabilities without a row for each pair.

What ``ready`` does for parts of features alone, in two stages: a part that reads p₀ is scored after it. Equal to
``GroupedPart.probability`` to 1e-12, but where p₀, rounded to float32, falls to the other side.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from serving.assortment import Assortment, Factors
from serving.board import Board
from serving.columns import PLACES, derived
from serving.grouped import Grouped
from serving.grouped_part import GroupedPart
from serving.linear import compress
from serving.part import PartName, about_of
from serving.sheet import texts
from serving.trees.prepared import Prepared
from serving.trees.scorer import STATIC, Scorer

Floats = NDArray[np.float64]
Index = NDArray[np.intp]


class Staged:
    """Parts of one kind of offer, ready for all pairs of an assortment. Slow to make; threads may share it."""

    def __init__(self, parts: Mapping[PartName, GroupedPart], assortment: Assortment) -> None:
        self._typical = {
            name: part.typical.probability(about_of(name, assortment.pairs)) for name, part in parts.items()
        }
        first = {name: part for name, part in parts.items() if not part.sheet.asks_organic}
        after = {name: part for name, part in parts.items() if part.sheet.asks_organic}
        self._stages = [_Stage(some, assortment) for some in (first, after) if some]

    def probabilities(self, factors: Factors) -> dict[PartName, Floats]:
        """The probabilities of every pair, ``[n_pairs]`` by part. ``factors`` have to be of this assortment."""
        found: dict[PartName, Floats] = {}
        for stage in self._stages:
            found |= stage.probabilities(factors, found.get(PartName.ORGANIC))
        return found

    def typical(self) -> dict[PartName, Floats]:
        """The same for somebody of whom nothing is known."""
        return self._typical


class _Stage:
    """Parts that do not read each other."""

    def __init__(self, parts: Mapping[PartName, GroupedPart], assortment: Assortment) -> None:
        self._parts = parts
        names = dict.fromkeys(name for part in parts.values() for name in part.features if name not in PLACES)
        pairs = texts(about_of(PartName.CHANNEL_RESPONSE, assortment.pairs))
        self._board = Board([derived(name) for name in names], assortment, pairs)
        self._shifts = {name: part.shifts(about_of(name, assortment.pairs)) for name, part in parts.items()}
        by = {"category": pairs[1], "channel": pairs[2]}
        self._lines = {
            name: _Line(part, self._board, part.sheet.group(by[part.sheet.by]))
            for name, part in parts.items()
            if part.blend < 1
        }
        self._grown = [name for name, part in parts.items() if part.booster is not None and part.blend > 0]
        self._trees = self._prepared() if self._grown else None

    def _prepared(self) -> Prepared:
        forests = []
        for name in self._grown:
            part = self._parts[name]
            assert part.booster is not None
            forests.append(
                part.booster.forest.over(self._board.names, [self._board.names.index(n) for n in part.features])
            )
        return Scorer(forests, self._board.blocks).prepare(self._board.still, self._board.keys())

    def probabilities(self, factors: Factors, organic: Floats | None) -> dict[PartName, Floats]:
        """By part, ``[n_pairs]``."""
        flat = self._board.filled(factors, organic)
        z, n = compress(flat), len(self._board.still)
        raw = {name: self._lines[name].score(z) if name in self._lines else np.zeros(n) for name in self._parts}
        if self._trees is not None:
            scores = self._trees.score_flat(flat)
            for name, score in zip(self._grown, scores, strict=True):
                raw[name] += self._parts[name].blend * score
        return {name: part.finished(raw[name], self._shifts[name]) for name, part in self._parts.items()}


@dataclass(frozen=True, slots=True, eq=False)
class _Block:
    """Columns of a line that stand in one block of the board."""

    name: str
    columns: Index
    """Of the line."""
    places: Index
    """In the block."""
    slopes: Floats
    """Weighted, ``[n, n_groups + 1]``."""


class _Line:
    """The linear half of a part: what each block contributes, then what each pair adds up of it."""

    def __init__(self, part: GroupedPart, board: Board, group: Index) -> None:
        """``group``: of each pair, ``[n_pairs]``."""
        self._linear: Grouped = part.linear
        share = 1.0 - part.blend
        slopes, levels = (share * each for each in part.linear.every)
        placed = [board.place(name) for name in part.sheet.columns]
        self._rest, self._group, self._blocks = levels[group], group, []
        self._board, self._keys = board, board.keys()
        for name in dict.fromkeys(block for block, _ in placed):
            columns = np.array([c for c, (block, _) in enumerate(placed) if block == name], dtype=np.intp)
            places = np.array([place for block, place in placed if block == name], dtype=np.intp)
            if name == STATIC:
                z = part.linear.scaled(compress(board.still[:, places]), columns)
                self._rest = self._rest + np.einsum("ij,ij->i", z, slopes[:, columns][group])
            else:
                self._blocks.append(_Block(name, columns, places, slopes[:, columns].T.copy()))

    def score(self, z: Floats) -> Floats:
        """The weighted linear scores ``[n_pairs]`` of compressed values laid out as the board's."""
        total = self._rest.copy()
        for block in self._blocks:
            values = self._linear.scaled(self._board.block(z, block.name)[:, block.places], block.columns)
            of_keys = values @ block.slopes
            key = self._keys.get(block.name)
            total += of_keys[0, self._group] if key is None else of_keys[key, self._group]
        return total
