"""The numbers of an answer, written as JSON all in one go: one by one they take longer than everything else in it."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import Any

import numpy as np
from msgspec import Raw, Struct

from serving.kernels.strokes import WIDEST, write_rows
from serving.over_the_wire import written

_GAP = b"\0"


def words_of(shape: type[Struct], **within: Any) -> list[bytes]:
    """What stands before each value of a shape as JSON, and after the last; ``within`` are values that have some."""
    values = {name: within.get(name, Raw(_GAP)) for name in shape.__struct_fields__}
    return written(shape(**values)).split(_GAP)


def gap(shape: type[Struct]) -> Struct:
    """A shape of values that are all still to be filled in."""
    return shape(**{name: Raw(_GAP) for name in shape.__struct_fields__})


class Figures:
    """Rows of numbers with words between them. Threads may share it."""

    def __init__(self, words: Sequence[bytes], digits: Sequence[int]) -> None:
        """``words`` are those before each number, and after the last; ``digits`` the decimals of each."""
        self._words = np.frombuffer(b"".join(words), dtype=np.uint8)
        self._stops = np.cumsum([0, *map(len, words)])
        self._scales = 10.0 ** np.array(digits)
        self._width = len(self._words) + WIDEST * len(digits)
        self._columns = len(digits)

    def rows(self, numbers: array[float]) -> list[bytes] | None:
        """Each row of these numbers, row by row; None where one is too large to be written like this."""
        if not numbers:
            return []
        given = np.frombuffer(numbers).reshape(-1, self._columns)
        out, ends = np.empty(len(given) * self._width, dtype=np.uint8), np.empty(len(given), dtype=np.int64)
        length = write_rows(given, self._scales, self._words, self._stops, out, ends)
        if length < 0:
            return None
        text, found, begins = out[:length].tobytes(), [], 0
        for end in ends.tolist():
            found.append(text[begins:end])
            begins = end
        return found
