from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.account import Account
from serving.draw import SILENCE, Choosable, Draw, draw, explores, taken
from serving.explore import Group, Ticket
from serving.leaders import front
from serving.policy.policy import Exploration

GREEDY = Exploration()
BOLD = Exploration(control=0.05, random=0.1, floor=0.02, per_root=20.0, share=0.02)


def choosable(scores: list[float], offers: list[int] | None = None, barred: tuple[int, ...] = ()) -> Choosable:
    n = len(scores)
    closed = np.zeros(n, dtype=bool)
    closed[list(barred)] = True
    return Choosable(
        np.array(scores, dtype=float),
        np.array(offers or range(n), dtype=np.intp),
        np.arange(n),
        np.ones(n, dtype=bool),
        closed,
        n,
    )


def drawn(
    scores: list[float], exploration: Exploration = GREEDY, number: int = 0, limit: int = 3, **more: object
) -> Draw:
    ticket = Ticket(f"d{number}", f"c{number}", "salt")
    return draw(choosable(scores, **more), exploration, limit, ticket, Account())  # type: ignore[arg-type]


some_scores = st.lists(st.floats(-50, 50) | st.just(-math.inf), max_size=30)


@given(some_scores, st.integers(1, 5))
def test_without_exploration_the_best_are_taken_with_certainty(scores: list[float], limit: int) -> None:
    found = drawn(scores, limit=limit)
    best = sorted((s for s in scores if s > 0), reverse=True)[:limit]
    assert [scores[place] for place in found.places] == best
    assert set(found.probabilities) <= {1.0}
    assert found.silence == (1.0 if len(best) < limit else None)


@given(some_scores, st.integers(1, 5), st.randoms(use_true_random=False))
def test_what_leads_is_what_is_drawn_without_exploration(scores: list[float], limit: int, chance: Random) -> None:
    offers = [chance.randrange(max(len(scores), 1)) for _ in scores]
    found = choosable(scores, offers)
    table = np.array([found.first, found.offer, np.zeros(len(scores), dtype=np.int64)])
    best, n = front(found.score, table, found.n_offers, 1, SILENCE, limit)
    told = draw(replace(found, barred=None), GREEDY, limit, Ticket("d", "c", "salt"), Account())
    assert told == taken(tuple(best[:n].tolist()), limit)


@given(some_scores, st.integers(0, 500))
def test_a_drawn_choice_has_a_probability_and_an_undefined_score_none(scores: list[float], number: int) -> None:
    found = drawn(scores, BOLD, number)
    assert all(0 < p <= 1 for p in found.probabilities)
    assert all(math.isfinite(scores[place]) for place in found.places)
    assert len(found.places) + (found.silence is not None) <= 3
    assert found.silence is None or 0 < found.silence <= 1


def test_an_offer_is_made_on_one_channel_only() -> None:
    for number in range(200):
        found = drawn([5, 4, 3, 2], BOLD, number, offers=[0, 0, 1, 1])
        offers = [place // 2 for place in found.places]
        assert len(set(offers)) == len(offers)


def test_frequencies_are_the_logged_probabilities() -> None:
    """4,000 draws: 4.5 standard errors per action, an error in about 1 of 10,000 runs of other seeds."""
    scores, n = [3.0, 2.5, -1.0], 4_000
    draws = [drawn(scores, BOLD, number, limit=1) for number in range(n)]
    counts = Counter(found.places[0] if found.places else None for found in draws)
    said = {found.places[0] if found.places else None: (found.probabilities or (found.silence,))[0] for found in draws}
    assert sum(said.values()) == pytest.approx(1.0)  # type: ignore[arg-type]
    for action, probability in said.items():
        assert probability is not None
        assert abs(counts[action] / n - probability) < 4.5 * math.sqrt(probability * (1 - probability) / n)


def test_the_control_group_gets_nothing_and_lasts() -> None:
    share = replace(BOLD, control=0.5)
    groups = {}
    for number in range(40):
        for attempt in range(2):
            ticket = Ticket(f"d{number}", f"c{number}", "salt", attempt)
            found = draw(choosable([5.0, 4.0]), share, 2, ticket, Account())
            assert groups.setdefault(number, found.group) is found.group
            assert found.group is not Group.CONTROL or not found.places
    assert set(groups.values()) >= {Group.CONTROL, Group.LEARNT}


def test_what_is_sold_out_leaves_its_probability_to_the_others() -> None:
    one = replace(BOLD, control=0.0, random=0.0)
    scores = [5.0, 4.0, 3.0]
    full = {}
    for number in range(3_000):
        found = drawn(scores, one, number, limit=1)
        full[found.places[0] if found.places else None] = (found.probabilities or (found.silence,))[0]
    assert len(full) == 4
    rest = 1.0 - (full[0] or 0.0)
    for number in range(200):
        found = drawn(scores, one, number, limit=1, barred=(0,))
        action = found.places[0] if found.places else None
        assert action != 0
        assert (found.probabilities or (found.silence,))[0] == pytest.approx((full[action] or 0.0) / rest)


@pytest.mark.parametrize("exploration", [GREEDY, replace(BOLD, control=0.0, random=0.0, floor=0.0, per_root=1e9)])
def test_where_the_best_is_sold_out_the_next_is_taken(exploration: Exploration) -> None:
    assert drawn([5.0, 4.0, 3.0], exploration, limit=1, barred=(0,)).places == (1,)


def test_exploration_stays_within_its_share_of_the_day_and_a_new_day_begins_afresh() -> None:
    rng, account = np.random.default_rng(7), Account()
    for number in range(400):
        scores = rng.gamma(2.0, 5.0, 12)
        ticket = Ticket(f"d{number}", f"c{number}", "salt")
        cost = draw(choosable(scores.tolist()), replace(BOLD, floor=0.002), 1, ticket, account).cost
        account = account.after(cost.best, cost.given_up, cost.spread)
    assert 0.01 * account.best < account.given_up <= 0.02 * account.best + 1e-9
    tomorrow = account.at(86_400_000_000)  # type: ignore[arg-type]
    assert (tomorrow.best, tomorrow.given_up, tomorrow.decisions) == (0.0, 0.0, 400)


def test_only_what_is_set_explores() -> None:
    assert not explores(Exploration())
    assert explores(Exploration(floor=0.01))
