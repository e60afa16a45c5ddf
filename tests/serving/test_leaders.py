from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from serving.leaders import beaten, front, leaders

pairs = st.lists(st.tuples(st.sampled_from([-math.inf, -1.0, 0.0, 2.0, 2.5]), st.integers(0, 9), st.booleans()))


@given(pairs, st.randoms())
def test_leaders_are_the_first_of_each_group_among_all_usable_pairs_in_their_order(
    told: list[tuple[float, int, bool]], random: object
) -> None:
    first = list(range(len(told)))
    random.shuffle(first)  # type: ignore[attr-defined]
    ranked = sorted((p for p in range(len(told)) if told[p][2]), key=lambda p: (-told[p][0], first[p]))
    expected: dict[int, int] = {}
    for place in ranked:
        expected.setdefault(told[place][1], place)
    found = leaders(
        np.array([score for score, _, _ in told], dtype=np.float64),
        np.array(first, dtype=np.intp),
        np.array([usable for _, _, usable in told], dtype=np.bool_),
        np.array([group for _, group, _ in told], dtype=np.intp),
        10,
    )
    assert found.tolist() == list(expected.values())


@given(pairs, st.randoms())
def test_the_leaders_of_offers_and_channels_are_found_at_once(
    told: list[tuple[float, int, bool]], random: object
) -> None:
    first = list(range(len(told)))
    random.shuffle(first)  # type: ignore[attr-defined]
    score = np.array([score for score, _, _ in told], dtype=np.float64)
    table = np.array([first, [o for _, o, _ in told], [int(c) for _, _, c in told]], dtype=np.int64)
    every = np.ones(len(told), dtype=np.bool_)
    ordered = leaders(score, table[0], every, table[1], 10).tolist()
    worth = [place for place in ordered if score[place] > 0]
    for most in (1, 3, 20):
        best, n = front(score, table, 10, 2, 0.0, most)
        assert best[:n].tolist() == worth[:most]
        assert best[n:].tolist() == leaders(score, table[0], every, table[2], 2).tolist()
    rest = [place for place in ordered if score[place] <= 0]
    assert beaten(score, table, 10, 0.0, ()).tolist() == rest
    assert beaten(score, table, 10, 0.0, rest[:1]).tolist() == rest[1:]
