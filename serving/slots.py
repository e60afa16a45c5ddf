"""Where what a customer did with some keys stands in a long array of values, and how it gets there."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import accumulate

import numpy as np

from features.codec import HEADER, layout
from features.past import Past
from features.schema import BY_CATEGORY, BY_HOUR, BY_WEEKDAY, SCHEMA, Key
from features.state import half_lives_us
from features.stored import ACTIVITY
from serving.kernels.recall import ANY, FNV, HOUR, PRIME, WEEKDAY, Recalled
from serving.tape import Tape, Term

Shape = tuple[int, int]
_ASKED = {BY_HOUR.name: HOUR, BY_WEEKDAY.name: WEEKDAY}


class Slots:
    """Rows of the values for the keys of each section."""

    def __init__(self, tape: Tape, keys: Sequence[Sequence[str]], given: int) -> None:
        """Find room on the tape for these keys of each section of SCHEMA, in its order.

        Of hours and weekdays there is one row, that of the moment. What is ``given`` stands from there on.
        """
        self.pasts: list[Past] = []
        """By section, made of terms."""
        sections, tables, first = [], list[list[int]](), 0
        for section, each in zip(SCHEMA, keys, strict=True):
            asked = _ASKED.get(section.name, ANY)
            n = 1 if asked or section.key is Key.NONE else len(each)
            sums, of_sums = tape.room(n, len(section.sums))
            days, of_days = tape.room(n, len(section.extremes))
            self.pasts.append(Past(section, Columns(of_sums), Columns(of_days)))  # type: ignore[arg-type]
            table = _table(each, first)
            start = sum(map(len, tables))
            keyed = int(section.key is not Key.NONE)
            sections += [keyed, len(of_sums), len(of_days), sums, days, n, start, len(table) - 1, asked]
            tables.append(table)
            first += len(each)
        lives = np.concatenate([half_lives_us(section) for section in SCHEMA])
        each_life, life = np.unique(lives, return_inverse=True)
        self.fading = -each_life
        """What the time that went by is divided by before it becomes the power of two that remains of each sum."""
        spelt = [key.encode() for each in keys for key in each]
        at, n_keyed = layout(ACTIVITY), sum(section.key is not Key.NONE for section in SCHEMA)
        counts = HEADER.size + 4 * (len(at.several) - n_keyed)
        self.recalled = Recalled(
            np.array([at.head.size, counts, given, len(SCHEMA), SCHEMA.index(BY_CATEGORY)], dtype=np.int64),
            np.array(sections, dtype=np.int64),
            np.array([slot for table in tables for slot in table], dtype=np.int32),
            np.array([row for each in keys for row in range(len(each))], dtype=np.int32),
            np.array([0, *accumulate(map(len, spelt))], dtype=np.int32),
            np.frombuffer(b"".join(spelt), dtype=np.uint8),
            life.astype(np.int64),
        )


def _table(keys: Iterable[str], first: int) -> list[int]:
    """The hash table of keys that are numbered from ``first`` on."""
    hashed = [_hash(key.encode()) for key in keys]
    size = 1 << (2 * len(hashed)).bit_length()
    table = [-1] * size
    for number, each in enumerate(hashed, first):
        place = each % size
        while table[place] >= 0:
            place = (place + 1) % size
        table[place] = number
    return table


def _hash(spelt: bytes) -> int:
    found = int(FNV)
    for letter in spelt:
        found = (found ^ letter) * int(PRIME) % (1 << 64)
    return found


class Columns:
    """Terms in place of an array ``[..., n]``."""

    def __init__(self, terms: Sequence[Term]) -> None:
        self.terms = terms

    def __getitem__(self, index: tuple[object, int]) -> Term:
        return self.terms[index[1]]


def alone(past: Past) -> Past:
    """That of the first key, which is the same for all others."""
    return Past(past.section, *(Columns([each.for_all() for each in part.terms]) for part in (past.sums, past.days)))  # type: ignore


def columns(past: Past) -> list[Term]:
    """The sums and then the days of a past that is made of terms."""
    return [*past.sums.terms, *past.days.terms]  # type: ignore[attr-defined]


def laid_out(shapes: Sequence[Shape]) -> tuple[list[tuple[slice, Shape]], int]:
    """A slice for each shape, one after the other, and where they end."""
    ends = np.cumsum([0, *(rows * width for rows, width in shapes)]).tolist()
    return [(slice(ends[n], ends[n + 1]), shape) for n, shape in enumerate(shapes)], ends[-1]
