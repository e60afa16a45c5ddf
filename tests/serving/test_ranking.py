from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from serving.ranking import Components, Judged, Scored, scored
from serving.score import Chances
from serving.worth import Terms, Value

N = 4


@given(st.randoms(use_true_random=False), st.booleans(), st.booleans(), st.lists(st.integers(0, N - 1)))
def test_what_was_found_of_a_pair_is_told_as_it_was_found(
    chance: object, sees: bool, knows: bool, places: list[int]
) -> None:
    drawn = np.random.default_rng(chance.randrange(2**32))  # type: ignore[attr-defined]
    one, two, three, four = drawn.random((4, N))
    chances = Chances(one if sees else None, two, three, four if knows else None)
    value, terms = Value.of(drawn.normal(size=(5, N))), Terms(*drawn.normal(size=(3, N)))
    pairs = tuple(object() for _ in range(N))
    judged = Judged.of(pairs, chances, value, terms, drawn.integers(0, 2**60, N))  # type: ignore[arg-type]
    for place, told in zip(places, scored(judged, places), strict=True):
        assert told == Scored(
            place,
            pairs[place],  # type: ignore[arg-type]
            int(judged.moments[place]),  # type: ignore[arg-type]
            judged.score[place],
            value.total[place],
            one[place] if sees else None,
            chances.used[place],
            chances.bought[place],
            four[place] if knows else None,
            Components(
                value.margin[place],
                value.incentive[place],
                value.unnoticed_incentive[place],
                value.contact_cost[place],
                value.attention[place],
                (terms.weight[place] - 1.0) * max(value.total[place], 0.0),
                terms.lever[place],
                terms.scarcity[place],
            ),
        )
        assert np.isclose(sum(told.components), told.score)
