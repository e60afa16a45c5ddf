"""One pass over all pairs: what may be offered, at which moments, and why the rest may not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import overload

import numpy as np
from numpy.typing import NDArray

from features.quick import quick
from serving.eligibility.objection import Removal, Rule, TimeRule, Why
from serving.eligibility.rules import RULES
from serving.eligibility.shelf import Flags, Places, Shelf
from serving.eligibility.situation import Situation
from serving.moments import Moments

STAYS = 255
"""Stands for no rule."""


class Removals(Sequence[Removal]):
    """The removed pairs in the catalogue's order, each with its first objection; made when they are looked at."""

    def __init__(
        self, shelf: Shelf, fell: NDArray[np.uint8], whys: tuple[Why | None, ...], nothing: bool = False
    ) -> None:
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
    def numbers(self) -> NDArray[np.uint8]:
        """Which of RULES removed each pair, STAYS where none did, ``[n_pairs]``."""
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


@quick(frozen=True)
class Sifted:
    """What the rules leave."""

    kind: str
    """The kind that was asked for, or the first that has an eligible pair."""
    rows: Places
    """Places of the eligible pairs on the shelf, ascending."""
    moments: Moments
    open: Flags
    """At which moments each may go out, ``[n_eligible, n_moments]``; at least one."""
    removed: Removals


def sift(shelf: Shelf, situation: Situation) -> Sifted:
    """The pairs to which no rule objects, and every other pair with its first objection.

    Rules of time come last. They take moments away from promotions that interrupt the customer; everything else goes
    out now.
    """
    n_pairs = len(shelf.pairs)
    fell = np.full(n_pairs, STAYS, dtype=np.uint8)
    whys: list[Why | None] = [None] * len(RULES)
    for number, rule in PAIR_RULES:
        objection = rule.objection(shelf, situation)
        if objection is not None:
            fell[objection.pairs & (fell == STAYS)] = number
            whys[number] = objection.why
    moments = shelf.timetable.moments(situation.at, situation.known.zone, situation.now_only)
    left = _left(shelf, situation, moments, fell, whys)
    kind = situation.kind
    if kind is None:
        kind = _first_kind(shelf, situation, fell)
        _remove_others(shelf, kind, fell, whys)
    rows = np.flatnonzero(fell == STAYS)
    removed = Removals(shelf, fell, tuple(whys), len(rows) == n_pairs)
    return Sifted(kind, rows, moments, left if len(rows) == n_pairs else left[rows], removed)


def _left(
    shelf: Shelf, situation: Situation, moments: Moments, fell: NDArray[np.uint8], whys: list[Why | None]
) -> Flags:
    """The moments of every pair, ``[n_pairs, n_moments]``; those that have none fall."""
    left = np.zeros((len(shelf.pairs), len(moments)), dtype=np.bool_)
    left[:, 0] = True
    rows = np.flatnonzero(shelf.timed & (fell == STAYS))
    if not len(rows):
        return left
    if moments.instants[-1] <= shelf.ending:
        left[rows] = True
    else:
        left[rows] = moments.instants <= shelf.valid_to[rows][:, None]
    for number, rule in TIME_RULES:
        closing = rule.closing(shelf, situation, moments, rows) if len(rows) else None
        if closing is not None:
            left[rows] &= ~closing.moments
            stays = left[rows].any(axis=1)
            fell[rows[~stays]] = number
            whys[number] = closing.why
            rows = rows[stays]
    return left


def _first_kind(shelf: Shelf, situation: Situation, fell: NDArray[np.uint8]) -> str:
    """The kind of the offer asked for; else the first kind of the catalogue with an eligible pair, else the first."""
    asked = None if situation.offer_id is None else shelf.catalogue.offer.get(situation.offer_id)
    if asked is not None:
        return asked.kind
    stays = fell == STAYS
    return next((kind for kind, pairs in shelf.of_kind.items() if (pairs & stays).any()), next(iter(shelf.of_kind), ""))


def _remove_others(shelf: Shelf, kind: str, fell: NDArray[np.uint8], whys: list[Why | None]) -> None:
    """Let the first rule speak that could not before the kind was known."""
    if kind in shelf.of_kind:
        fell[~shelf.of_kind[kind]] = _KIND
        whys[_KIND] = lambda place: shelf.pairs[place].offer.kind


PAIR_RULES = [(number, rule) for number, rule in enumerate(RULES) if isinstance(rule, Rule)]
TIME_RULES = [(number, rule) for number, rule in enumerate(RULES) if isinstance(rule, TimeRule)]
_KIND = next(number for number, rule in enumerate(RULES) if rule.name == "kind")
