import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.explore import Group, Learnt, Shares, Slate, Ticket, fill, inverse_gap, noise, pick, thompson, uniform

SHARES = Shares(control=0.05, random=0.1)
SILENCE = 0
FLOOR = 0.01


@st.composite
def rules(draw: st.DrawFn) -> tuple[np.ndarray, Learnt]:
    """Scores, silence first, and a learnt rule over them."""
    m = draw(st.integers(1, 15))
    scores = np.array([0.0, *draw(st.lists(st.floats(-1e6, 1e6), min_size=m - 1, max_size=m - 1))])
    if draw(st.booleans()):
        gamma = draw(st.floats(0, 1e9) | st.just(math.inf))
        return scores, lambda still: inverse_gap(scores, still, gamma, 10, FLOOR)
    deviations = np.random.default_rng(draw(st.integers(0, 99))).normal(0, 1e3, (16, m))
    return scores, lambda still: thompson(scores, deviations, still, FLOOR)


def gaps(scores: list[float], gamma: float = 10.0) -> tuple[np.ndarray, Learnt]:
    array = np.array(scores)
    return array, lambda still: inverse_gap(array, still, gamma, 10, FLOOR)


def slate(learnt: Learnt, m: int, number: int, places: int = 1, **more: object) -> Slate:
    ticket = replace(Ticket(f"d{number}", f"d{number}", "salt"), **more)
    return fill(SHARES, learnt, [str(i) for i in range(m)], SILENCE, places, ticket)


@given(rules(), st.integers(0, 10_000))
def test_probabilities_sum_to_one_and_the_choice_has_one(drawn: tuple[np.ndarray, Learnt], number: int) -> None:
    scores, learnt = drawn
    choice = slate(learnt, len(scores), number).choices[0]
    assert choice.distribution.sum() == pytest.approx(1.0, abs=1e-12)
    assert choice.probability == choice.distribution[choice.action] > 0


@given(rules())
def test_nothing_open_falls_below_the_floor_and_nothing_closed_has_a_chance(drawn: tuple[np.ndarray, Learnt]) -> None:
    scores, learnt = drawn
    still = np.arange(len(scores)) % 2 == 0
    found = learnt(still)
    assert found[still].min() >= FLOOR / still.sum() - 1e-15
    assert not found[~still].any()
    assert found.sum() == pytest.approx(1.0, abs=1e-12)


@given(rules())
def test_silence_keeps_the_share_of_the_control_group(drawn: tuple[np.ndarray, Learnt]) -> None:
    scores, learnt = drawn
    choice = slate(learnt, len(scores), 1).choices[0]
    assert choice.distribution[SILENCE] >= SHARES.control + SHARES.random / len(scores) - 1e-12


@given(st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=15), st.floats(0, 1e3))
def test_the_better_the_likelier(scores: list[float], gamma: float) -> None:
    array = np.array(scores)
    found = inverse_gap(array, np.ones(len(array), dtype=bool), gamma, 10, FLOOR)
    ordered = found[np.argsort(-array, kind="stable")]
    assert (np.diff(ordered) <= 1e-12).all()


def test_inverse_gap_weighting_follows_its_formula() -> None:
    found = inverse_gap(np.array([3.0, 5.0, 4.0]), np.ones(3, dtype=bool), 2.0, 10, 0.0)
    assert found == pytest.approx([1 / (3 + 4), 1 - 1 / 7 - 1 / 5, 1 / (3 + 2)])


def test_only_the_best_are_weighted_and_the_rest_have_the_floor() -> None:
    found = inverse_gap(np.array([1.0, 9.0, 8.0, 7.0]), np.ones(4, dtype=bool), 0.0, 2, 0.04)
    assert found == pytest.approx([0.01, 0.49, 0.49, 0.01])


def test_infinite_sharpness_takes_the_best_over_the_floor() -> None:
    found = inverse_gap(np.array([1.0, 9.0, 8.0]), np.ones(3, dtype=bool), math.inf, 10, 0.03)
    assert found == pytest.approx([0.01, 0.98, 0.01])


def test_the_same_ticket_gives_the_same_slate() -> None:
    _, learnt = gaps([0.0, 1.0, 1.2, 0.4])
    for number in range(50):
        once, again = slate(learnt, 4, number, places=3), slate(learnt, 4, number, places=3)
        assert [(c.action, c.probability) for c in once.choices] == [(c.action, c.probability) for c in again.choices]


def test_another_attempt_and_another_salt_draw_again_in_the_same_group() -> None:
    _, learnt = gaps([0.0] * 10, gamma=0.0)
    firsts = [slate(learnt, 10, n) for n in range(400)]
    seconds = [slate(learnt, 10, n, attempt=1) for n in range(400)]
    assert [s.group for s in firsts] == [s.group for s in seconds]
    learnt_pairs = [(a, b) for a, b in zip(firsts, seconds, strict=True) if a.group is not Group.CONTROL]
    assert 0.05 < np.mean([a.choices[0].action == b.choices[0].action for a, b in learnt_pairs]) < 0.16
    resalted = [slate(learnt, 10, n, salt="other") for n in range(400)]
    assert [s.group for s in firsts] != [s.group for s in resalted]


def test_a_customer_stays_in_the_group() -> None:
    _, learnt = gaps([0.0, 1.0])
    groups = {slate(learnt, 2, n, unit="customer-7").group for n in range(100)}
    assert len(groups) == 1


def test_the_control_group_says_nothing_whatever_the_scores() -> None:
    _, learnt = gaps([0.0, 1e6])
    quiet = [s for n in range(500) if (s := slate(learnt, 2, n, places=3)).group is Group.CONTROL]
    assert quiet
    assert all([c.action for c in s.choices] == [SILENCE] for s in quiet)


def test_a_slate_shows_nothing_twice_and_ends_with_silence() -> None:
    _, learnt = gaps([0.0, 3.0, 3.0, 3.0, 3.0], gamma=1.0)
    for number in range(300):
        found = fill(SHARES, learnt, ["", "a", "a", "b", "c"], SILENCE, 3, Ticket(f"d{number}", f"d{number}", "salt"))
        actions = [c.action for c in found.choices]
        shown = [["", "a", "a", "b", "c"][a] for a in actions if a != SILENCE]
        assert len(set(shown)) == len(shown)
        assert SILENCE not in actions[:-1]


def test_conditionals_multiply_to_a_distribution_over_slates() -> None:
    """Summed over all slates that can be, with the groups mixed exactly: 1."""
    scores, learnt = gaps([0.0, 1.0, 1.5], gamma=2.0)
    truth = _by_enumeration(learnt, len(scores), places=2)
    assert sum(truth.values()) == pytest.approx(1.0)
    for number in range(2_000):
        found = slate(learnt, 3, number, places=2)
        actions = tuple(c.action for c in found.choices)
        assert found.probability == pytest.approx(truth[actions], abs=1e-12)


def _by_enumeration(learnt: Learnt, m: int, places: int) -> dict[tuple[int, ...], float]:
    """Probability of every slate: group by group, place by place."""
    found: dict[tuple[int, ...], float] = {}
    for length in range(1, places + 1):
        for actions in itertools.permutations(range(m), length):
            ended = actions[-1] == SILENCE
            if SILENCE in actions[:-1] or (length < places and not ended):
                continue
            total = SHARES.control if actions == (SILENCE,) else 0.0
            for share, rule in ((SHARES.random, None), (SHARES.learnt, learnt)):
                still, product = np.ones(m, dtype=bool), share
                for action in actions:
                    p = rule(still) if rule else still / still.sum()
                    product *= p[action]
                    still[action] = action == SILENCE
                total += product
            found[actions] = total
    return found


def test_thompson_shares_the_choice_by_how_often_each_may_be_best() -> None:
    deviations = noise(["x", "x", "y"], np.array([0.0, 0.0, 0.0]), np.array([1.0, 1.0, 1.0]), 1.0, 4_000, "v1")
    assert (deviations[:, 0] == deviations[:, 1]).all()
    found = thompson(np.array([0.0, -0.1, 0.0]), deviations, np.ones(3, dtype=bool), 0.0)
    assert found[1] == 0.0
    assert found[0] == pytest.approx(0.5, abs=0.04)


def test_what_is_well_known_is_explored_less() -> None:
    about, slope, scores = ["old", "new"], np.ones(2), np.array([1.0, 0.0])
    shares = [
        thompson(scores, noise(about, np.array([10_000.0, seen]), slope, 1.0, 4_000, "v1"), np.ones(2, dtype=bool), 0.0)
        for seen in (0.0, 5.0, 500.0)
    ]
    assert shares[0][1] > shares[1][1] > shares[2][1]


def test_noise_is_the_same_for_a_model_version_and_another_for_the_next() -> None:
    asked = (["a", "b"], np.zeros(2), np.ones(2), 1.0, 8)
    assert (noise(*asked, "v1") == noise(*asked, "v1")).all()
    assert (noise(*asked, "v1") != noise(*asked, "v2")).all()


def test_uniform_numbers_are_uniform() -> None:
    numbers = np.array([uniform("salt", i) for i in range(20_000)])
    counts = np.histogram(numbers, bins=20, range=(0, 1))[0]
    # chi-squared with 19 degrees of freedom exceeds 45.3 in 6 of 10,000 seeds
    assert ((counts - 1_000) ** 2 / 1_000).sum() < 45.3


def test_pick_takes_the_first_that_exceeds_and_nothing_impossible() -> None:
    p = np.array([0.0, 0.25, 0.75, 0.0])
    assert [pick(p, u) for u in (0.0, 0.24999, 0.25, 0.9999999999999999)] == [1, 1, 2, 2]
    assert pick(np.array([0.5, 0.5 - 1e-12, 0.0]), 1.0 - 1e-16) == 1
