"""Decayed sums and extremes of many histories at many instants, in arrays: the monoid of ``features.state`` at large.

The instants asked for stand in spans: of each subject in ascending order, subjects one after the other. An event is
told with the first span at whose end it was known; it counts there and, ever more decayed, in all later ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.domain import Kind
from features.schema import Amount, Key, Measure, Section
from features.state import Floats, Instants, half_lives_us, unset

Index = NDArray[np.int64]
KINDS = tuple(Kind)
"""The kind of each code."""


@dataclass(frozen=True, slots=True, eq=False)
class Spans:
    """The instants asked for, ``[n_spans]``."""

    subject: Index
    """Ascending, from 0, without gaps."""
    at_us: Instants

    @property
    def ends(self) -> Index:
        """The place after the last span of each subject."""
        return np.cumsum(np.bincount(self.subject)) if len(self.subject) else np.zeros(0, dtype=np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class Coded:
    """Texts as places in ``words``, which ascend; -1 where there is none, ``[n_events]``."""

    codes: NDArray[Any]
    words: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Happened:
    """Events, ``[n_events]`` each."""

    span: NDArray[Any]
    kind: NDArray[np.int8]
    """Places in KINDS."""
    counts_us: Instants
    """Not later than the end of the span."""
    keys: Mapping[Key, Coded]
    amounts: Mapping[Amount, Floats]
    """All but ONE."""

    @cached_property
    def _measured(self) -> dict[frozenset[Kind], NDArray[np.bool_]]:
        return {}

    def of(self, kinds: frozenset[Kind]) -> NDArray[np.bool_]:
        """Which events are of these kinds."""
        if kinds not in self._measured:
            self._measured[kinds] = np.array([kind in kinds for kind in KINDS])[self.kind]
        return self._measured[kinds]

    def where(self, chosen: NDArray[np.bool_]) -> Happened:
        """These events only; of keys and amounts the same are left."""
        keys = {key: Coded(coded.codes[chosen], coded.words) for key, coded in self.keys.items()}
        amounts = {amount: values[chosen] for amount, values in self.amounts.items()}
        return Happened(self.span[chosen], self.kind[chosen], self.counts_us[chosen], keys, amounts)


@dataclass(frozen=True, slots=True, eq=False)
class Tally:
    """The rows of one section by span and key, ascending."""

    span: Index
    key: Index
    """Places in ``words``."""
    words: tuple[str, ...]
    sums: Floats
    """``[n_sums, n_rows]``"""
    instants: Instants
    """``[n_extremes, n_rows]``"""


def tally(section: Section, happened: Happened, spans: Spans) -> Tally:
    """What each subject's history looks like at each of its instants, for every key touched by then."""
    coded = happened.keys.get(section.key) or Coded(np.zeros(len(happened.span), dtype=np.int8), ("",))
    mine = happened.where(happened.of(section.kinds) & (coded.codes >= 0))
    codes = mine.keys[section.key].codes if section.key in mine.keys else np.zeros(len(mine.span), dtype=np.int64)
    n_words = max(len(coded.words), 1)
    pairs, pair = _numbered(
        spans.subject[mine.span] * n_words + codes, n_words * (int(spans.subject.max(initial=-1)) + 1)
    )
    # A key stands in every span from the first that touched it to its subject's last.
    first = np.full(len(pairs), len(spans.at_us), dtype=np.int64)
    np.minimum.at(first, pair, mine.span.astype(np.int64))
    length = spans.ends[pairs // n_words] - first
    begin = np.cumsum(length) - length
    place = (begin - first)[pair] + mine.span
    rows = int(length.sum())
    span = np.repeat(first - begin, length) + np.arange(rows)
    sums, instants = _learnt(section, mine, spans.at_us[mine.span] - mine.counts_us, place, rows)
    _carry(section, sums, instants, spans.at_us[span], begin, length)
    key = np.repeat(pairs % n_words, length)
    if len(length) == rows:
        return Tally(span, key, coded.words, sums, instants)
    order = np.argsort(span * n_words + key, kind="stable")
    return Tally(span[order], key[order], coded.words, sums[:, order], instants[:, order])


def merged(section: Section, parts: Tally, row: Index, part: Index) -> Tally:
    """Rows that are merges of others: ``row[i]`` has the span ``part[i]`` of ``parts`` as a part.

    The parts of one row must be histories at one and the same instant, without events in common.
    """
    start, end = (np.searchsorted(parts.span, part, side) for side in ("left", "right"))
    length = end - start
    taken = np.repeat(start - (np.cumsum(length) - length), length) + np.arange(int(length.sum()))
    n_words = max(len(parts.words), 1)
    numbers, place = np.unique(np.repeat(row, length) * n_words + parts.key[taken], return_inverse=True)
    sums = np.zeros((len(section.sums), len(numbers)))
    for total, each in zip(sums, parts.sums, strict=True):
        total += np.bincount(place, each[taken], len(numbers))
    instants = np.tile(unset(section)[:, None], len(numbers))
    for into, e, each in zip(instants, section.extremes, parts.instants, strict=True):
        (np.minimum if e.earliest else np.maximum).at(into, place, each[taken])
    return Tally(numbers // n_words, numbers % n_words, parts.words, sums, instants)


def _numbered(numbers: Index, most: int) -> tuple[Index, Index]:
    """The distinct numbers, ascending, and which of them each is. All are below ``most``."""
    if most > 8 * max(len(numbers), 1_000_000):
        return np.unique(numbers, return_inverse=True)
    there = np.zeros(most, dtype=np.bool_)
    there[numbers] = True
    return np.flatnonzero(there), np.cumsum(there)[numbers] - 1


def _learnt(section: Section, happened: Happened, age_us: Index, place: Index, rows: int) -> tuple[Floats, Instants]:
    """What was learnt within each span, aged to its end."""
    sums = np.zeros((len(section.sums), rows))
    instants = np.tile(unset(section)[:, None], rows)
    at: dict[frozenset[Kind], Index] = {}

    def of(measure: Measure) -> Index:
        if measure.kinds not in at:
            at[measure.kinds] = np.flatnonzero(happened.of(measure.kinds))
        return at[measure.kinds]

    for into, s, half_life in zip(sums, section.sums, half_lives_us(section), strict=True):
        chosen = of(s.measure)
        weight = np.exp2(age_us[chosen] / -half_life)
        if s.measure.amount is not Amount.ONE:
            weight *= happened.amounts[s.measure.amount][chosen]
        into += np.bincount(place[chosen], weight, rows)
    for nearest, e in zip(instants, section.extremes, strict=True):
        chosen = of(e.measure)
        (np.minimum if e.earliest else np.maximum).at(nearest, place[chosen], happened.counts_us[chosen])
    return sums, instants


def _carry(section: Section, sums: Floats, instants: Instants, at_us: Instants, begin: Index, length: Index) -> None:
    """Merge every row into the next one of its run, from the first to the last."""
    half_lives = half_lives_us(section)[:, None]
    longest_first = np.argsort(-length, kind="stable")
    begin, length = begin[longest_first], length[longest_first]
    for step in range(1, int(length.max(initial=0))):
        to = begin[: np.searchsorted(-length, -step)] + step
        sums[:, to] += sums[:, to - 1] * np.exp2((at_us[to - 1] - at_us[to]) / half_lives)
        for row, e in zip(instants, section.extremes, strict=True):
            row[to] = (np.minimum if e.earliest else np.maximum)(row[to], row[to - 1])
