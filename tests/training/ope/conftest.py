"""Logs of a market so small that the value of every policy is known exactly."""

from dataclasses import dataclass

import numpy as np
import pytest

from training.ope.log import Log, Modelled

SEGMENTS, ACTIONS = 16, 8


def softmax(scores: np.ndarray) -> np.ndarray:
    raised = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return raised / raised.sum(axis=-1, keepdims=True)


@dataclass(frozen=True)
class Bandit:
    """Segments of customers, actions, the chance that an action pays in a segment, and what it then pays."""

    chance: np.ndarray
    pays: np.ndarray
    logging: np.ndarray

    @staticmethod
    def of(seed: int) -> "Bandit":
        rng = np.random.default_rng(seed)
        chance = 0.4 / (1.0 + np.exp(-rng.normal(-0.5, 1.0, (SEGMENTS, ACTIONS))))
        return Bandit(chance, rng.uniform(5.0, 10.0, ACTIONS), softmax(rng.normal(0.0, 0.4, (SEGMENTS, ACTIONS))))

    def policy(self, sharpness: float, seed: int) -> np.ndarray:
        """A policy that knows a little; the sharper, the further from the log."""
        known = self.chance * self.pays + np.random.default_rng(seed).normal(0.0, 0.3, self.chance.shape)
        return softmax(sharpness * known)

    def value(self, policy: np.ndarray) -> float:
        return float((policy * self.chance * self.pays).sum(axis=1).mean())

    def draw(self, n: int, seed: int, *, come_back: bool = True) -> "Drawn":
        """Decisions of n / 2 customers, most of whom come back, or of n; some respond twice as readily as others."""
        rng = np.random.default_rng(seed)
        customer = rng.integers(0, max(n // 2, 1), n) if come_back else np.arange(n)
        segment = rng.integers(0, SEGMENTS, n)
        action = (rng.random(n)[:, None] > np.cumsum(self.logging[segment], axis=1)).sum(axis=1)
        action = np.minimum(action, ACTIONS - 1)
        ready = np.where(rng.random(n) < 0.5, 0.6, 1.4)[customer]
        positive = rng.random(n) < self.chance[segment, action] * ready
        return Drawn(self, customer, segment, action, positive)


@dataclass(frozen=True)
class Drawn:
    bandit: Bandit
    customer: np.ndarray
    segment: np.ndarray
    action: np.ndarray
    positive: np.ndarray

    @property
    def reward(self) -> np.ndarray:
        return self.positive * self.bandit.pays[self.action]

    @property
    def logged(self) -> np.ndarray:
        return self.bandit.logging[self.segment, self.action]

    def modelled(self) -> np.ndarray:
        """Mean reward of every action, learnt from the other half of the customers, [n, actions]."""
        words = np.zeros((len(self.action), ACTIONS))
        for half in (0, 1):
            other = self.customer % 2 != half
            sums = np.bincount(self.action[other], weights=self.reward[other], minlength=ACTIONS)
            words[~other] = sums / np.maximum(np.bincount(self.action[other], minlength=ACTIONS), 1)
        return words

    def log(self, policy: np.ndarray) -> Log:
        target, q = policy[self.segment], self.modelled()
        rows = np.arange(len(self.action))
        model = Modelled(q[rows, self.action], (q * target).sum(axis=1))
        chosen = target[rows, self.action]
        return Log.of(self.customer, self.reward, self.logged, chosen, self.positive, model)


@pytest.fixture(scope="session")
def bandit() -> type[Bandit]:
    return Bandit
