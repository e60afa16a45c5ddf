"""Decayed sums and extremes of many histories at many instants, in arrays: the monoid of ``features.state`` at large.

The instants asked for stand in spans: of each subject in ascending order, subjects one after the other. An event is
told with the first span at whose end it was known; it counts there and, ever more decayed, in all later ones. Subjects
have nothing to do with one another, so each thread takes some of them, and it makes no difference how many there are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.domain import Kind
from features.loops import count, fill
from features.schema import Amount, Key, Section
from features.state import Floats, Instants, half_lives_us, unset

Index = NDArray[np.int64]
KINDS = tuple(Kind)
"""The kind of each code."""
AMOUNTS = (Amount.VALUE, Amount.DISCOUNT)
"""What is told of each event, in the order in which ``features.loops`` have them."""
KEYS = (Key.CATEGORY, Key.OFFER, Key.CHANNEL, Key.HOUR, Key.WEEKDAY)
"""What events are told apart by, likewise."""
EVENT = np.dtype(
    [
        ("counts_us", np.int64),
        *((a.value, np.float64) for a in AMOUNTS),
        *((k.value, np.int32) for k in KEYS),
        ("kind", np.int8),
    ],
    align=True,
)
"""An event in the loops' arrays: of each key a place in its words, -1 for none; of the kind its place in KINDS."""
SHARES = 16
"""Into how many shares, about equal, the subjects are parted."""


@dataclass(frozen=True, slots=True, eq=False)
class Spans:
    """The instants asked for, ``[n_spans]``."""

    subject: Index
    """Ascending, from 0, without gaps."""
    at_us: Instants


@dataclass(frozen=True, slots=True, eq=False)
class Happened:
    """Events, those of each span together."""

    events: NDArray[np.void]
    """Of EVENT, ``[n_events]``; each counts not later than the end of its span."""
    begin: Index
    """Where the events of each span begin, ``[n_spans + 1]``."""
    order: NDArray[np.int32]
    """In which the events of each span are added up, ``[n_events]``."""
    words: Mapping[Key, tuple[str, ...]]
    """What the codes of each key mean; they ascend."""


@dataclass(frozen=True, slots=True, eq=False)
class Tally:
    """The rows of one section by span and key, ascending."""

    begin: Index
    """Where the rows of each span begin, ``[n_spans + 1]``."""
    key: Index
    """Places in ``words``."""
    words: tuple[str, ...]
    sums: Floats
    """``[n_rows, n_sums]``"""
    instants: Instants
    """``[n_rows, n_extremes]``"""

    def of(self, spans: Index) -> tuple[Index, Index]:
        """The rows of these spans, one span after the other, and how many each has."""
        length = self.begin[spans + 1] - self.begin[spans]
        return np.repeat(self.begin[spans] - (np.cumsum(length) - length), length) + np.arange(length.sum()), length

    def placed(self, spans: Index) -> Tally:
        """These spans only, in this order."""
        rows, length = self.of(spans)
        return Tally(_ends(length), self.key[rows], self.words, self.sums[rows], self.instants[rows])


class Recipe(NamedTuple):
    """What an event does to a section, as ``features.loops`` read it; of kinds by their place in KINDS."""

    counted: NDArray[np.bool_]
    """Whether events of a kind leave a trace."""
    weights: Floats
    """The different half-lives by which events of a kind count, those of one kind after those of the other."""
    weights_of: Index
    """Where those of each kind begin, and an end."""
    sums_of: Index
    """The same of ``added``."""
    added: Index
    """To which sum, which of the kind's half-lives, which of AMOUNTS (-1: one); ``[n, 3]``."""
    extremes_of: Index
    """The same of ``reached``."""
    reached: Index
    """Which extreme."""
    half_lives: Floats
    """Of each sum."""
    unset: Instants
    """Each extreme of a key that was never touched."""
    earliest: NDArray[np.bool_]
    """Whether it is the earliest instant."""


@cache
def recipe(section: Section) -> Recipe:
    """What events of each kind do to this section."""
    weights: list[list[float]] = []
    added: list[list[tuple[int, int, int]]] = []
    reached: list[list[int]] = []
    for kind in KINDS:
        mine = [(i, s) for i, s in enumerate(section.sums) if kind in s.measure.kinds]
        half_lives = sorted({half_lives_us(section)[i] for i, _ in mine})
        weights.append(half_lives)
        added.append([(i, half_lives.index(half_lives_us(section)[i]), _amount(s.measure.amount)) for i, s in mine])
        reached.append([i for i, e in enumerate(section.extremes) if kind in e.measure.kinds])
    return Recipe(
        np.array([kind in section.kinds for kind in KINDS]),
        np.array([half_life for each in weights for half_life in each], dtype=np.float64),
        _ends([len(each) for each in weights]),
        _ends([len(each) for each in added]),
        np.array([each for some in added for each in some], dtype=np.int64).reshape(-1, 3),
        _ends([len(each) for each in reached]),
        np.array([each for some in reached for each in some], dtype=np.int64),
        half_lives_us(section),
        unset(section),
        np.array([e.earliest for e in section.extremes], dtype=np.bool_),
    )


def _amount(amount: Amount) -> int:
    return AMOUNTS.index(amount) if amount in AMOUNTS else -1


def _ends(lengths: Any) -> Index:
    """Where each begins that has one of these lengths, and the end of the last."""
    return np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(lengths, dtype=np.int64)])


def tally(section: Section, happened: Happened, spans: Spans, pool: Executor) -> Tally:
    """What each subject's history looks like at each of its instants, for every key touched by then."""
    words, how = happened.words.get(section.key, ("",)), recipe(section)
    key = KEYS.index(section.key) if section.key in KEYS else len(KEYS)
    n_words = max(len(words), 1)
    shares = shares_of(happened.begin, spans.subject)
    rows = np.zeros(len(spans.subject), dtype=np.int64)

    def counted(first: int, last: int) -> None:
        seen = np.full(n_words, -1)
        count(happened.events, happened.begin, key, spans.subject, how.counted, seen, first, last, rows)

    each_share(pool, counted, shares)
    begin = _ends(rows)
    out = (
        np.empty(begin[-1], dtype=np.int64),
        np.empty((begin[-1], len(section.sums))),
        np.empty((begin[-1], len(section.extremes)), dtype=np.int64),
    )

    def filled(first: int, last: int) -> None:
        room = np.full((4, n_words), -1), np.empty((2, len(section.sums)))
        asked = spans.subject, spans.at_us
        fill(happened.events, happened.begin, key, happened.order, asked, tuple(how), room, first, last, begin, out)

    each_share(pool, filled, shares)
    return Tally(begin, out[0], words, out[1], out[2])


def shares_of(begin: Index, subject: Index) -> list[tuple[int, int]]:
    """Spans parted between subjects, so that each share has about as many events and spans as any other."""
    n = len(subject)
    work = begin[:-1] + np.arange(n)
    cuts = np.searchsorted(work, np.linspace(0, int(work[-1]) if n else 0, SHARES + 1)[1:-1])
    firsts = np.searchsorted(subject, subject[np.minimum(cuts, n - 1)]) if n else cuts[:0]
    bounds = [0, *np.unique(firsts).tolist(), n]
    return [(first, last) for first, last in pairwise(bounds) if first < last]


def each_share(pool: Executor, call: Callable[[int, int], None], shares: list[tuple[int, int]]) -> None:
    """Let the pool call for each share, until all are done."""
    for done in [pool.submit(call, *share) for share in shares]:
        done.result()


def merged(section: Section, parts: Tally, row: Index, part: Index, n_rows: int) -> Tally:
    """Rows that are merges of others: ``row[i]`` has the span ``part[i]`` of ``parts`` as a part.

    The parts of one row must be histories at one and the same instant, without events in common.
    """
    taken, length = parts.of(part)
    n_words = max(len(parts.words), 1)
    numbers, place = np.unique(np.repeat(row, length) * n_words + parts.key[taken], return_inverse=True)
    sums = np.zeros((len(numbers), len(section.sums)))
    for s in range(len(section.sums)):
        sums[:, s] = np.bincount(place, parts.sums[taken, s], len(numbers))
    instants = np.tile(unset(section), (len(numbers), 1))
    for i, e in enumerate(section.extremes):
        (np.minimum if e.earliest else np.maximum).at(instants[:, i], place, parts.instants[taken, i])
    begin = np.searchsorted(numbers // n_words, np.arange(n_rows + 1))
    return Tally(begin, numbers % n_words, parts.words, sums, instants)
