"""What columns that are no features say."""

from dataclasses import replace

import numpy as np

from features.vector import FEATURES
from serving.columns import PACE, WINDOW, Told, derived


def told(window: float, organic: float) -> Told:
    X = np.zeros((1, len(FEATURES)), dtype=np.float32)
    X[:, WINDOW] = window
    nothing = np.array([""])
    return Told.of(X, nothing, nothing, nothing, np.array([organic]))


def test_the_pace_of_what_is_bought_anyway_is_the_same_however_long_one_looks() -> None:
    a_day = 0.02
    for days in (1.0, 7.0, 30.0):
        organic = -np.expm1(-a_day * days)
        np.testing.assert_allclose(derived(PACE).read(told(days, organic)), np.log(a_day), rtol=1e-6)


def test_the_pace_is_a_number_at_both_ends() -> None:
    ends = replace(told(7.0, 0.0), organic=np.array([0.0, 1.0]))
    assert np.isfinite(derived(PACE).read(ends)).all()
