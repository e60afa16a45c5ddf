"""What exploration costs on the market with known truth, against always taking what looks best."""

import math
import os
from functools import partial

import numpy as np
import pytest

from serving.allowance import sharpness
from serving.explore import Shares, Ticket, fill, inverse_gap
from serving.settings import read_settings
from training.world.chance import stream
from training.world.market import Market
from training.world.oracle import best, earned
from training.world.parameters import CATEGORIES, MEDIA, Inside, Parameters

ROUND, PRIOR = 1_000, 30.0
EVERYONE = Shares(control=0.0, random=0.0)


class Bandit:
    """Customers of one day who come again and again: features of every pair, its true value and a noisy reward."""

    def __init__(self, seed: int) -> None:
        market = Market.of(Parameters(Inside.LOGISTIC, customers=1_000, days=5), seed)
        for _ in range(5):
            market.morning()
        who = market.present()
        self.truth = market.truth(who, np.full(len(who), 12.0))
        n, offers, rng = len(who), market.offers, stream(seed, "seen")
        taste = market.people.taste[who] + rng.normal(0, 0.5, (n, len(CATEGORIES)))
        habit = market.people.habit[who] + rng.normal(0, 0.5, (n, len(MEDIA)))
        self.offers, self.pairs = offers, len(offers) * len(MEDIA)
        by_offer = (
            np.eye(len(offers))[None] * np.stack([np.ones((n, len(offers))), taste[:, offers.category]])[..., None]
        )
        by_channel = np.eye(len(MEDIA))[None] * np.stack([np.ones((n, len(MEDIA))), habit])[..., None]
        parts = [np.repeat(each, len(MEDIA), axis=1) for each in by_offer]
        parts += [np.tile(each, (1, len(offers), 1)) for each in by_channel]
        self.features = np.concatenate([np.zeros((n, 1, sum(p.shape[2] for p in parts))), np.dstack(parts)], axis=1)
        self.value = np.column_stack([np.zeros(n), self.truth.value.reshape(n, self.pairs)])

    def reward(self, row: int, action: int, u: np.ndarray) -> float:
        """A reward whose mean is the value: most contacts bring nothing, a few a lot."""
        if action == 0:
            return 0.0
        offer, channel = divmod(action - 1, len(MEDIA))
        chance = self.truth.noticed[row, offer, channel] * self.truth.persuaded[row, offer, channel]
        gain = self.offers.margin[offer] * (1 - self.truth.organic[row, offer])
        return self.value[row, action] + gain * (float(u < chance) - chance)


def _among(rule, allowed: np.ndarray, still: np.ndarray) -> np.ndarray:
    return rule(still & allowed)


def regret(bandit: Bandit, decisions: int, learnt_from, seed: int) -> float:
    """Share of the oracle's value that is lost, with a ridge regression learnt again every thousand decisions."""
    rng, d = stream(seed, "decisions"), bandit.features.shape[2]
    gram, moments, weights = PRIOR * np.eye(d), np.zeros(d), np.zeros(d)
    seen: list[tuple[np.ndarray, float]] = []
    lost = most = 0.0
    about = ["", *np.repeat(np.arange(len(bandit.offers)), len(MEDIA)).astype(str)]
    top = earned(bandit.truth.value, *best(bandit.truth.value))
    for number in range(decisions):
        row, u = int(rng.integers(len(bandit.value))), rng.random()
        still = np.isfinite(bandit.value[row])
        scores = bandit.features[row] @ weights
        ticket = Ticket(f"d{number}", f"d{number}", str(seed))
        action = (
            fill(EVERYONE, partial(_among, learnt_from(scores, number), still), about, 0, 1, ticket).choices[0].action
        )
        most += top[row]
        lost += top[row] - bandit.value[row, action]
        seen.append((bandit.features[row, action], bandit.reward(row, action, u)))
        if len(seen) == ROUND:
            x, y = np.array([each[0] for each in seen]), np.array([each[1] for each in seen])
            gram, moments, seen = gram + x.T @ x, moments + x.T @ y, []
            weights = np.linalg.solve(gram, moments)
    return lost / most


@pytest.mark.slow
@pytest.mark.proof(name="propensities")
def test_exploring_costs_little_more_than_greed(record_property) -> None:
    full = read_settings(os.environ).proof_size == "full"
    decisions, seeds = (20_000, 5) if full else (3_000, 1)
    found = {"greedy": [], "igw": []}
    for seed in range(seeds):
        bandit = Bandit(seed)
        rules = {
            "greedy": lambda scores, number: lambda still: inverse_gap(scores, still, math.inf, 10, 0.0),
            "igw": lambda scores, number: (
                lambda still: inverse_gap(
                    scores, still, sharpness(20.0, number, max(float(np.ptp(scores)), 1e-9)), 10, 0.01
                )
            ),
        }
        for name, rule in rules.items():
            found[name].append(regret(bandit, decisions, rule, seed))
    for name, each in found.items():
        record_property(f"regret_{name}", [round(float(value), 3) for value in each])
    assert np.mean(found["igw"]) <= np.mean(found["greedy"]) + 0.04
