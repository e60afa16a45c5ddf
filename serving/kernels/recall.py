"""What a customer did with some keys, read from the packed value of the state in one go."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.domain import DAY
from features.state import NEVER, NOT_YET
from serving.kernels.packed import count_at, float_at, integer_at
from serving.kernels.tape import play
from serving.trees.kernels.compiled import reckoned
from serving.trees.kernels.handover import F8, I4, I8, borrow

BYTES = np.empty(0, np.uint8)
FNV, PRIME = np.uint64(14695981039346656037), np.uint64(1099511628211)
"""Fowler, Noll and Vo's hash of 64 bits, 1a."""
ANY, HOUR, WEEKDAY = range(3)
"""Which keys of a section are asked for: all, or that of the moment."""
FIELDS = 9
"""Numbers of a section, see Recalled."""


class Recalled(NamedTuple):
    """Where keys of each section stand among the values.

    ``form``: where the numbers of a packed value begin, and where the counts of its keys do; where the values begin
    that are given; how many values are to be cleared; the section whose keys are counted. ``sections`` FIELDS numbers
    each: 1 where it has keys, how many sums and extremes a key has, where both begin among the values (those of all
    rows side by side), how many rows there are, where its slots begin, how many they are less one, which of its keys
    are asked for. ``slots`` is a hash table by section, of numbers of keys, −1 where it is free; ``rows`` and ``spans``
    say which row a key has and where it ends in ``letters``. ``life`` is the number of the factor of each sum.
    """

    form: NDArray[np.int64]
    sections: NDArray[np.int64]
    slots: NDArray[np.int32]
    rows: NDArray[np.int32]
    spans: NDArray[np.int32]
    letters: NDArray[np.uint8]
    life: NDArray[np.int64]


@reckoned
def recall(tables, value, profile, at, since, hour, weekday):
    """Fill in what is known of a customer, and take the first steps; False for a value that is cut off.

    Args:
        tables: Addresses of values, of the factors of ageing, of the first steps, then of Recalled.
        value: uint8, the packed value.
        profile: float64, what the customer told.
        at: Microseconds.
        since: Microseconds; when the customer joined.
        hour: Of the day; ``weekday`` likewise.
    """
    v, factors, steps = borrow(tables, 0, F8), borrow(tables, 1, F8), borrow(tables, 2, I8)
    form, sections = borrow(tables, 3, I8), borrow(tables, 4, I8)
    given = form[2]
    v[given], v[given + 2], v[given + 3], v[given + 4] = at, since, hour, weekday
    for i in range(len(profile)):
        v[given + 5 + i] = profile[i]
    if not _remembered(tables, value, form, sections, factors, v, at, hour, weekday):
        return False
    play(v, steps)
    return True


@reckoned
def _remembered(tables, value, form, sections, factors, v, at, hour, weekday):
    """Age the sums of all keys that have a row, and turn their instants into days."""
    life = borrow(tables, 9, I8)
    n_floats, n_integers, n_lists, n_extremes, count = 0, 1, 0, 0, form[1]
    for s in range(0, len(sections), FIELDS):
        if sections[s]:
            n = count_at(value, count)
            n_lists, n_extremes, count = n_lists + n * sections[s + 1], n_extremes + n * sections[s + 2], count + 4
        else:
            n_floats, n_integers = n_floats + sections[s + 1], n_integers + sections[s + 2]
    singles = form[0]
    lists = singles + 8 * n_floats
    instants = lists + 8 * n_lists
    extremes = instants + 8 * n_integers
    text = extremes + 8 * n_extremes
    if text > len(value):
        return False
    instants += 8
    mark = value[text] if text < len(value) else 0
    text, count, sums = text + 1, form[1], 0
    for s in range(0, len(sections), FIELDS):
        n_sums, n_days, first, day, n_rows = (
            sections[s + 1],
            sections[s + 2],
            sections[s + 3],
            sections[s + 4],
            sections[s + 5],
        )
        v[first : first + n_sums * n_rows] = 0.0
        v[day : day + n_days * n_rows] = np.nan
        if not sections[s]:
            _row(value, singles, instants, factors, life, sums, n_sums, n_days, first, day, n_rows, v, at)
            singles, instants, sums = singles + 8 * n_sums, instants + 8 * n_days, sums + n_sums
            continue
        n, count = count_at(value, count), count + 4
        if s == form[4] * FIELDS:
            v[form[2] + 1] = n
        for _ in range(n):
            end, found = _spelt(value, text, mark)
            row = _known(tables, value, text, end, found, sections[s + 6], sections[s + 7])
            if sections[s + 8] == HOUR:
                row = 0 if row == hour else -1
            elif sections[s + 8] == WEEKDAY:
                row = 0 if row == weekday else -1
            if row >= 0:
                _row(value, lists, extremes, factors, life, sums, n_sums, n_days, first + row, day + row, n_rows, v, at)
            lists, extremes, text = lists + 8 * n_sums, extremes + 8 * n_days, end + 1
        sums += n_sums
    return True


@reckoned
def _row(value, floats, integers, factors, life, sums, n_sums, n_days, first, day, apart, v, at):
    """The sums and days of one key, so far apart."""
    for i in range(n_sums):
        v[first + i * apart] = float_at(value, floats + 8 * i) * factors[life[sums + i]]
    for i in range(n_days):
        instant = integer_at(value, integers + 8 * i)
        if instant != NEVER and instant != NOT_YET:
            v[day + i * apart] = max(at - instant, 0) / DAY


@reckoned
def _spelt(value, start, mark):
    """Where the text ends that begins at a place, and its hash."""
    found, end = FNV, start
    while end < len(value) and value[end] != mark:
        found = (found ^ np.uint64(value[end])) * PRIME
        end += 1
    return end, found


@reckoned
def _known(tables, value, start, end, found, first, mask):
    """The row of a key; −1 where it has none."""
    slots, rows, spans, letters = (
        borrow(tables, 5, I4),
        borrow(tables, 6, I4),
        borrow(tables, 7, I4),
        borrow(tables, 8, BYTES),
    )
    place = np.int64(found & np.uint64(mask))
    while True:
        key = slots[first + place]
        if key < 0:
            return -1
        begin = spans[key]
        if spans[key + 1] - begin == end - start:
            alike = 0
            while alike < end - start and letters[begin + alike] == value[start + alike]:
                alike += 1
            if alike == end - start:
                return np.int64(rows[key])
        place = (place + 1) & mask
