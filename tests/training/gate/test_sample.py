"""Which decisions are judged."""

import numpy as np

from training.gate.sample import sample


def test_models_judged_at_different_times_are_judged_on_the_same_decisions() -> None:
    ids = [f"d{n}" for n in range(9_000)]
    earlier, later = np.arange(0, 6_000), np.arange(3_000, 9_000)
    one, other = (sample(rows, [ids[n] for n in rows.tolist()], 2_000) for rows in (earlier, later))
    assert len(one) == len(other) == 2_000
    both = np.intersect1d(one, other)
    # Of each some 1,000 stand in both spans: drawn by themselves, a third of them would meet.
    assert len(both) > 900
    assert (np.diff(one) > 0).all()


def test_few_decisions_are_all_judged() -> None:
    rows = np.arange(5)
    np.testing.assert_array_equal(sample(rows, list("abcde"), 5), rows)
