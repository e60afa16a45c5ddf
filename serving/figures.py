"""What stands between the numbers of an answer, as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from msgspec import Raw, Struct

from serving.kernels.letter import Form
from serving.over_the_wire import written

GAP = b"\0"
"""Stands for what is filled in later, and ends a text that is not followed by any."""


def words_of(shape: type[Struct], **within: Any) -> list[bytes]:
    """What stands before each value of a shape as JSON, and after the last; ``within`` are values that have some."""
    values = {name: within.get(name, Raw(GAP)) for name in shape.__struct_fields__}
    return written(shape(**values)).split(GAP)


def gap(shape: type[Struct]) -> Struct:
    """A shape of values that are all still to be filled in."""
    return shape(**{name: Raw(GAP) for name in shape.__struct_fields__})


def form(words: Sequence[bytes], digits: Sequence[int]) -> Form:
    """The form of answers with these words between numbers of so many decimals."""
    decimals = np.array(digits, dtype=np.int64)
    stops = np.cumsum([0, *map(len, words)], dtype=np.int64)
    return Form(
        np.power(10.0, decimals, dtype=np.float64), decimals, np.frombuffer(b"".join(words), dtype=np.uint8), stops
    )
