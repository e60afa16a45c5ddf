"""What the rules removed, and why."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import overload

import numpy as np
from numpy.typing import NDArray

from serving.eligibility.objection import Removal, Why
from serving.eligibility.rules import RULES
from serving.eligibility.shelf import Places, Shelf

STAYS = 255
"""Stands for no rule."""
Fell = NDArray[np.uint8]
"""Which of RULES removed each pair, STAYS where none did, ``[n_pairs]``."""


class Removals(Sequence[Removal]):
    """The removed pairs in the catalogue's order, each with its first objection; made when they are looked at."""

    def __init__(self, shelf: Shelf, fell: Fell, whys: Sequence[Why | None], nothing: bool = False) -> None:
        """``nothing``: True where it is known that no pair fell."""
        self._shelf, self._nothing = shelf, nothing
        self._fell = fell
        self._whys = whys

    @cached_property
    def _places(self) -> Places:
        return np.flatnonzero(self._fell != STAYS)

    @overload
    def __getitem__(self, index: int) -> Removal: ...
    @overload
    def __getitem__(self, index: slice) -> list[Removal]: ...
    def __getitem__(self, index: int | slice) -> Removal | list[Removal]:
        if isinstance(index, slice):
            return [self._made(place) for place in self._places[index].tolist()]
        return self._made(int(self._places[index]))

    def __len__(self) -> int:
        return len(self._places)

    def __iter__(self) -> Iterator[Removal]:
        return (self._made(place) for place in self._places.tolist())

    @property
    def numbers(self) -> Fell:
        """Which of RULES removed each pair, STAYS where none did, ``[n_pairs]``; not to be written to."""
        return self._fell

    def counts(self) -> dict[str, int]:
        """How many pairs each rule removed, in the order of the rules; only those that removed any."""
        return {} if self._nothing else self._counts

    @cached_property
    def _counts(self) -> dict[str, int]:
        found = np.bincount(self._fell, minlength=len(RULES)).tolist()
        return {rule.name: found[number] for number, rule in enumerate(RULES) if found[number]}

    def _made(self, place: int) -> Removal:
        number = int(self._fell[place])
        why = self._whys[number]
        return Removal(self._shelf.pairs[place], RULES[number].name, "" if why is None else why(place))
