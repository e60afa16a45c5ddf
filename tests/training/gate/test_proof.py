"""How many decisions the gate needs until it sees a truly better challenger, and how often noise deceives it."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass

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
SIZES = (5_000, 10_000, 20_000, 40_000)
Floats = NDArray[np.float64]
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

    def served(self, choice: Index, said: Floats | None = None) -> Served:
        """The choice as it would be served, exploration included. ``said``: what a reward model expects of every arm,
        ``[n, arms]``; without it, it knows the mean alone."""
        n, rows = len(choice), np.arange(len(choice))
        target = spread(choice, np.ones((n, ARMS), dtype=np.bool_))
        expected = np.full((n, ARMS), 1_000.0 * self.bought.mean()) if said is None else said
        of_target, own = (target * expected).sum(axis=1), target[rows, self.arm]
        modelled, reward = expected[rows, self.arm], 1_000.0 * self.bought
        return Served(rows, rows, reward, self.bought, np.full(n, 1 / ARMS), own, own, modelled, of_target, of_target)

    def judged(self, choice: Index) -> Finding:
        """The gate's finding on the value against the champion's. Each brings a reward model of its own, as models do
        that were trained at different times; none knows much."""
        return worth(self.served(choice, self._learnt(0.05)), self.served(self.champion, self._learnt(0.1)))

    def judged_by_the_truth(self, choice: Index) -> Finding:
        """What could be said at most: the reward model knows every true chance, so only luck is left."""
        known = 1_000.0 * self.chance
        return worth(self.served(choice, known), self.served(self.champion, known))

    def _learnt(self, off: float) -> Floats:
        return 1_000.0 * np.clip(self.chance + self.rng.normal(0, off, self.chance.shape), 0.0, 1.0)


@dataclass(frozen=True, slots=True)
class Power:
    """How many challengers that close CLOSED of the gap are accepted with a log of some size."""

    decisions: int
    seeds: int
    accepted: int
    at_most: int
    """By who knows the true chances: no honest estimate accepts many more."""
    effective_sample: float
    """The least."""
    matched_positives: float

    @staticmethod
    def of(n: int, seeds: range) -> Power:
        """With logs of ``n`` decisions."""
        found, best = [], 0
        for seed in seeds:
            market = Market(n, seed)
            choice = market.better()
            gap = market.value(market.chance.argmax(axis=1)) - market.value(market.champion)
            assert market.value(choice) - market.value(market.champion) >= 0.2 * gap
            best += market.judged_by_the_truth(choice).mark is Mark.GOOD
            found.append(market.judged(choice))
        least = {name: min(each.numbers[name] for each in found) for name in ("effective_sample", "matched_positives")}
        return Power(n, len(seeds), sum(each.mark is Mark.GOOD for each in found), best, **least)

    def __str__(self) -> str:
        """A line for people."""
        return (
            f"{self.decisions:,} decisions, effective sample from {self.effective_sample:,.0f}, matched positives from "
            f"{self.matched_positives:,.0f}: accepted in {self.accepted} of {self.seeds} seeds, in {self.at_most} by "
            "who knows the true chances"
        )


@pytest.mark.slow
@pytest.mark.proof(name="gate")
def test_a_challenger_that_closes_a_fifth_of_the_gap_is_accepted_in_four_of_five_seeds(record_property) -> None:
    full = read_settings(os.environ).proof_size == "full"
    seeds = range(100, 150) if full else range(100, 110)
    curve = [Power.of(n, seeds) for n in (SIZES if full else SIZES[-1:])]
    for power in curve:
        print(power)
        record_property(f"with_{power.decisions}_decisions", json.dumps(asdict(power)))
    enough = [
        power.decisions
        for power in curve
        if power.effective_sample >= 1_000 and power.matched_positives >= 50 and power.accepted >= 0.8 * power.seeds
    ]
    record_property("decisions_needed", enough[0] if enough else None)
    assert enough, "no size of the log was enough"
    assert all(power.accepted >= power.at_most - 0.1 * power.seeds for power in curve)


@pytest.mark.proof(name="gate")
def test_a_challenger_that_is_no_better_is_accepted_no_more_often_than_promised(record_property) -> None:
    seeds = range(200, 400) if read_settings(os.environ).proof_size == "full" else range(200, 240)
    yes = sum(market.judged(market.no_better()).mark is Mark.GOOD for market in (Market(10_000, s) for s in seeds))
    record_property(f"false_alarms_of_{len(seeds)}", yes)
    assert yes <= binom.ppf(0.999, len(seeds), 0.05)
