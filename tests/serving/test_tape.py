from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from serving.tape import Tape, TapeError

Formula = Callable[[Any, Any], Any]
FORMULAS: tuple[Formula, ...] = (
    lambda x, y: (x + 1.0) * y - 3 / x,
    lambda x, y: np.where(np.isnan(x) | (y <= x), 0.0, -np.maximum(x, y)),
    lambda x, y: np.exp2(-x) / (1.0 + np.exp(y)),
    lambda x, y: np.where((x != y) & ~(x >= 2.0), np.exp(-x), np.nan),
    lambda x, y: np.where(x > y, x == 0.0, x < 1.0),
)
values = arrays(np.float64, 7, elements=st.floats(-50, 50, width=32) | st.just(np.nan))


@pytest.mark.parametrize("formula", FORMULAS)
@given(x=values, y=st.floats(-5, 5, width=32))
def test_a_formula_played_back_gives_the_very_bits_that_numpy_gives(
    formula: Formula, x: np.ndarray[Any, Any], y: float
) -> None:
    tape = Tape()
    start, (of_x,) = tape.room(len(x), 1)
    place, (of_y,) = tape.single(1)
    tape.tell(formula(of_x, of_y), 0, len(x))
    played = tape.finished()
    filled, found = played.ready.copy(), np.empty(len(x))
    filled[start : start + len(x)], filled[place] = x, y
    played.play(filled, found)
    with np.errstate(all="ignore"):
        expected = np.asarray(formula(x, np.float64(y)), dtype=np.float32)
    np.testing.assert_array_equal(found, expected)


def test_what_cannot_be_written_down_is_refused_by_its_name() -> None:
    tape = Tape()
    _, (x,) = tape.room(3, 1)
    _, (y,) = tape.room(4, 1)
    with pytest.raises(TapeError, match="sin"):
        np.sin(x)
    with pytest.raises(TapeError, match="different kinds"):
        x + y
    with pytest.raises(TapeError, match="exponential"):
        np.exp(np.exp2(x))
