"""Scarce slots, stock and money go where they gain most."""

import os

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import linprog

from serving.allocation.demand import SILENT, Demand
from serving.allocation.fill import fill
from serving.allocation.prices import price
from serving.allocation.programme import optimum
from serving.settings import read_settings
from tests.bench.bench_scarcity import audience, compared


def small(seed: int, customers: int = 30, options: int = 6, resources: int = 4) -> Demand:
    rng = np.random.default_rng(seed)
    scores = np.where(rng.random((customers, options)) < 0.2, -np.inf, rng.normal(5, 10, (customers, options)).round(1))
    uses = rng.integers(0, 3, (options, resources)).astype(np.float64)
    return Demand(scores, uses, rng.integers(0, customers // 2, resources).astype(np.float64))


def directly(demand: Demand) -> float:
    """The same programme with every option, written down once more."""
    n, m = demand.scores.shape
    worth = np.where(demand.scores > 0, demand.scores, 0.0).ravel()
    once = np.kron(np.eye(n), np.ones(m))
    limits = np.tile(demand.uses.T, n)
    keep = np.isfinite(demand.limits)
    found = linprog(
        -worth,
        A_ub=np.vstack([once, limits[keep]]),
        b_ub=np.concatenate([np.ones(n), demand.limits[keep]]),
        bounds=[(0, 1 if each > 0 else 0) for each in worth],
    )
    return -float(found.fun)


@given(st.integers(0, 10_000))
def test_the_optimum_is_that_of_the_whole_programme_and_its_prices_prove_it(seed: int) -> None:
    demand = small(seed)
    worth, prices = optimum(demand)
    assert worth == pytest.approx(directly(demand), abs=1e-6)
    assert demand.bound(prices) == pytest.approx(worth, abs=1e-6)
    assert (prices >= 0).all()


@given(st.integers(0, 10_000))
def test_no_limit_is_exceeded_and_no_bound_is_beaten(seed: int) -> None:
    demand = small(seed)
    found = price(demand, seed)
    assert (demand.used(found.choices) <= demand.limits).all()
    assert found.worth == pytest.approx(demand.worth(found.choices))
    assert found.worth <= found.bound + 1e-9
    assert all(demand.scores[row, option] > 0 for row, option in enumerate(found.choices) if option != SILENT)


def test_what_is_enough_for_all_costs_nothing() -> None:
    scores = np.array([[3.0, 1.0], [2.0, 5.0], [-1.0, -2.0]])
    found = price(Demand(scores, np.ones((2, 1)), np.array([np.inf])), 1)
    assert found.prices.tolist() == [0.0]
    assert found.choices.tolist() == [0, 1, SILENT]


def test_nothing_left_is_never() -> None:
    demand = Demand(np.full((5, 1), 9.0), np.ones((1, 1)), np.zeros(1))
    assert price(demand, 1).choices.tolist() == [SILENT] * 5


def test_equals_are_served_in_their_order_until_nothing_is_left() -> None:
    demand = Demand(np.full((10, 1), 4.0), np.ones((1, 1)), np.array([3.0]))
    assert price(demand, 1).choices.tolist() == [0, 0, 0] + [SILENT] * 7


def test_an_empty_audience_has_an_empty_allocation() -> None:
    found = price(Demand(np.empty((0, 2)), np.ones((2, 1)), np.ones(1)), 1)
    assert (len(found.choices), found.worth, found.gap) == (0, 0.0, 0.0)


def test_the_one_who_gains_more_gets_the_slot_though_another_scores_higher() -> None:
    # Ann is as well served by the app; Bob has the letter only, at a lower score.
    demand = Demand(np.array([[10.0, 9.5], [8.0, -np.inf]]), np.array([[1.0], [0.0]]), np.array([1.0]))
    found = price(demand, 1)
    assert found.choices.tolist() == [1, 0]
    assert fill(demand, np.zeros(1), np.array([0, 1])).tolist() == [0, SILENT]


def test_prices_of_a_sample_hold_for_a_large_audience() -> None:
    demand = audience(9_000, 11)
    found = price(demand, 11)
    assert (demand.used(found.choices) <= demand.limits).all()
    assert found.gap <= 0.005


@pytest.mark.slow
@pytest.mark.proof(name="scarcity")
def test_prices_reach_nearly_all_that_can_be_reached(record_property) -> None:
    """Capacity per channel, stock per offer and one budget at once, for about a fifth of seeded audiences."""
    full = read_settings(os.environ).proof_size == "full"
    customers, seeds = (20_000, range(5)) if full else (2_000, range(3))
    found = [compared(customers, seed) for seed in seeds]
    shares = {way.name: np.mean([each.ways[place].share for each in found]) for place, way in enumerate(found[0].ways)}
    gaps = [each.gap for each in found]
    over = max(way.over for each in found for way in each.ways)
    served = np.mean([each.ways[-1].served for each in found])
    print("\nshare of the optimum:", ", ".join(f"{name} {share:.1%}" for name, share in shares.items()))
    print(f"dual gap at most {max(gaps):.3%}, limits exceeded by {over:g}, {served:.1%} served")
    for name, share in shares.items():
        record_property(name.replace(" ", "_"), round(float(share), 4))
    record_property("customers", customers)
    record_property("served", round(float(served), 4))
    record_property("largest_dual_gap", round(max(gaps), 5))
    record_property("limits_exceeded_by", over)
    assert all(each.slack <= 1e-6 for each in found)
    assert all(each.ways[-1].share >= 0.98 for each in found)
    assert shares["first come"] < shares["best score first"] < shares["by price"]
    assert max(gaps) <= 0.005
    assert over == 0
