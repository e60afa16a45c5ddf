import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.auc import Ranking

row = st.tuples(st.booleans(), st.integers(0, 4), st.sampled_from("ab"), st.integers(0, 3))


def by_pairs(rows: list[tuple[bool, int, str, int]], within: bool) -> float:
    right = pairs = 0.0
    for taken, score, group, weight in rows:
        for other_taken, other_score, other_group, other_weight in rows:
            if taken and not other_taken and (group == other_group or not within):
                pairs += weight * other_weight
                right += weight * other_weight * (score > other_score) + 0.5 * weight * other_weight * (
                    score == other_score
                )
    return right / pairs if pairs else math.nan


@given(st.lists(row, max_size=12), st.booleans())
def test_it_is_the_share_of_pairs_in_the_right_order(rows: list[tuple[bool, int, str, int]], within: bool) -> None:
    taken, score, group, weight = (np.array([r[i] for r in rows]) for i in range(4))
    found = Ranking(taken, score.astype(float), group if within else None).auc(weight.astype(float))
    assert found == pytest.approx(by_pairs(rows, within), nan_ok=True)


def test_it_does_not_care_by_which_scale_rows_are_ranked() -> None:
    rng = np.random.default_rng(1)
    taken, score, weight = rng.random(200) < 0.3, rng.normal(size=200), rng.random(200)
    assert Ranking(taken, score).auc(weight) == Ranking(taken, np.exp(score)).auc(weight)
    assert Ranking(taken, score).auc(weight) == pytest.approx(1 - Ranking(taken, -score).auc(weight))
