"""The numbers of an answer, written as JSON all in one go: one by one they take longer than everything else in it."""

from __future__ import annotations

from collections.abc import Sequence
from operator import mul
from typing import Any, NamedTuple

import numpy as np
from msgspec import Raw, Struct
from numpy.typing import NDArray

from serving.kernels.strokes import WIDEST, write_rows
from serving.over_the_wire import written

GAP = b"\0"
"""Stands for what is filled in later."""


def words_of(shape: type[Struct], **within: Any) -> list[bytes]:
    """What stands before each value of a shape as JSON, and after the last; ``within`` are values that have some."""
    values = {name: within.get(name, Raw(GAP)) for name in shape.__struct_fields__}
    return written(shape(**values)).split(GAP)


def gap(shape: type[Struct]) -> Struct:
    """A shape of values that are all still to be filled in."""
    return shape(**{name: Raw(GAP) for name in shape.__struct_fields__})


class Table(NamedTuple):
    """Rows of numbers with words between them."""

    words: Sequence[bytes]
    """Before each number of a row, and after its last."""
    digits: Sequence[int]
    """The decimals of each."""


class Figures:
    """Some tables. Threads may share it."""

    def __init__(self, *tables: Table) -> None:
        words = [word for table in tables for word in table.words]
        decimals = np.array([digit for table in tables for digit in table.digits], dtype=np.int64)
        self._told = (
            np.array([len(table.digits) for table in tables], dtype=np.int64),
            10.0**decimals,
            decimals,
            np.frombuffer(b"".join(words), dtype=np.uint8),
            np.cumsum([len(word) for word in words], dtype=np.int64),
        )
        """See ``write_rows``."""
        self._room = [sum(map(len, table.words)) + WIDEST * len(table.digits) for table in tables]

    def rows(self, numbers: NDArray[np.float64], rows: tuple[int, ...]) -> list[bytes] | None:
        """Each row of the tables, which have so many; None where a number is too large to be written like this.

        ``numbers`` go table by table and row by row.
        """
        out, ends = np.empty(sum(map(mul, rows, self._room)), dtype=np.uint8), np.empty(sum(rows), dtype=np.int64)
        length = write_rows(numbers, rows, *self._told, out, ends)
        if length < 0:
            return None
        text, stops = out[:length].tobytes(), ends.tolist()
        return [text[begin:end] for begin, end in zip([0, *stops], stops, strict=False)]
