"""How many decisions the gate needs until it sees a truly better challenger, and how often noise deceives it."""

from __future__ import annotations

import os

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import binom

from serving.settings import read_settings
from training.gate.finding import Finding, Mark
from training.gate.served import Served
from training.gate.worth import worth
from training.policy_value.policies import spread

ARMS = 6
CLOSED = 0.24
"""Share of the customers for whom the challenger knows the best arm and the champion does not: of the gap, too."""
SIZES = (5_000, 10_000, 20_000, 40_000, 80_000)
Index = NDArray[np.intp]


class Market:
    """Customers with tastes, a log by chance, and policies that know more or less of the tastes."""

    def __init__(self, n: int, seed: int) -> None:
        self.rng = rng = np.random.default_rng(seed)
        self.chance = np.clip(0.06 + rng.gamma(1.0, 0.05, (n, ARMS)), 0.0, 1.0)
        self.arm = rng.integers(0, ARMS, n)
        self.bought = rng.random(n) < self.chance[np.arange(n), self.arm]
        self.champion = np.argmax(self.chance + rng.normal(0, 0.1, self.chance.shape), axis=1)

    def better(self) -> Index:
        """The champion's choice, for some customers the best."""
        known = self.rng.random(len(self.arm)) < CLOSED
        return np.where(known, self.chance.argmax(axis=1), self.champion)

    def no_better(self) -> Index:
        """Another choice as good: the champion's arm moved on for some, whatever they like."""
        swapped = self.rng.random(len(self.arm)) < CLOSED
        strangers = np.argmax(self.chance + self.rng.normal(0, 0.1, self.chance.shape), axis=1)
        return np.where(swapped, strangers, self.champion)

    def value(self, choice: Index) -> float:
        """The true share that buys."""
        return float(self.chance[np.arange(len(choice)), choice].mean())

    def served(self, choice: Index) -> Served:
        """The choice as it would be served, exploration included; the reward model knows the mean alone."""
        n = len(choice)
        target = spread(choice, np.ones((n, ARMS), dtype=np.bool_))[np.arange(n), self.arm]
        names, mean = np.arange(n), np.full(n, 1_000.0 * self.bought.mean())
        reward = 1_000.0 * self.bought
        return Served(names, names, reward, self.bought, np.full(n, 1 / ARMS), target, target, mean, mean, mean)

    def judged(self, choice: Index) -> Finding:
        """The gate's finding on the value against the champion's."""
        return worth(self.served(choice), True, self.served(self.champion))


def accepted(n: int, seeds: range) -> tuple[int, float]:
    """How many challengers that close CLOSED of the gap are accepted; the least effective sample."""
    yes, least = 0, float("inf")
    for seed in seeds:
        market = Market(n, seed)
        choice = market.better()
        gap = market.value(market.chance.argmax(axis=1)) - market.value(market.champion)
        assert market.value(choice) - market.value(market.champion) >= 0.2 * gap
        found = market.judged(choice)
        yes += found.mark is Mark.GOOD
        least = min(least, found.numbers["effective_sample"])
        assert found.numbers["matched_positives"] >= 50
    return yes, least


@pytest.mark.slow
@pytest.mark.proof(name="gate")
def test_a_challenger_that_closes_a_fifth_of_the_gap_is_accepted_in_four_of_five_seeds(record_property) -> None:
    full = read_settings(os.environ).proof_size == "full"
    seeds = range(100, 150) if full else range(100, 110)
    for n in SIZES if full else SIZES[-1:]:
        yes, least = accepted(n, seeds)
        record_property(f"accepted_of_{len(seeds)}_with_{n}_decisions", yes)
        print(f"{n:,} decisions: accepted in {yes} of {len(seeds)} seeds, effective sample from {least:,.0f}")
        if least >= 1_000 and yes >= 0.8 * len(seeds):
            record_property("decisions_needed", n)
            return
    raise AssertionError("no size of the log was enough")


@pytest.mark.proof(name="gate")
def test_a_challenger_that_is_no_better_is_accepted_no_more_often_than_promised(record_property) -> None:
    seeds = range(200, 400) if read_settings(os.environ).proof_size == "full" else range(200, 240)
    yes = sum(market.judged(market.no_better()).mark is Mark.GOOD for market in (Market(10_000, s) for s in seeds))
    record_property(f"false_alarms_of_{len(seeds)}", yes)
    assert yes <= binom.ppf(0.999, len(seeds), 0.05)
