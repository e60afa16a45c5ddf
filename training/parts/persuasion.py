"""π: who buys because of a contact that was noticed, told apart from who would have bought anyway.

Whether a customer was persuaded is never seen. It is a latent variable between the contact and what is seen of it, a
click, a purchase, and when (expectation–maximisation; Dempster, Laird & Rubin, *JRSS B* 1977)::

    bought = persuaded, or of their own accord with p₀          clicked with c₁ if persuaded, else with c₀

A window that is still open splits the same way: who has not bought yet may have been persuaded and be late (the share
of delays beyond the age), or not have been (Chapelle, *KDD* 2014). Who is about to buy of their own accord does so
within days, not evenly over the window. Where nobody clicks, c₁ = c₀ and purchases decide.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize

from serving.prediction import sigmoid
from training.folds import by_customer
from training.parts.blend import BLENDS, STRENGTHS, Table, fit_trees, predicted
from training.parts.delay import BINS, at_age, still_to_come
from training.parts.experience import Contacts
from training.value.hierarchy import Hierarchy, fit_hierarchies
from training.value.trial import Floats

STEPS = 8
FIRST = 0.04
"""Share persuaded before anything is known."""
ROUNDS = 80
LEAST, MOST = 1e-5, 0.95
LEAN = 10.0


@dataclass(frozen=True, slots=True, eq=False)
class Signs:
    """What a persuaded and an unpersuaded customer show."""

    clicked: tuple[float, float]
    """Chance of a click, unpersuaded and persuaded."""
    late: Floats
    """Share of the persuaded who have not bought yet at each share of the window, ``[BINS + 1]``."""

    def likelihoods(self, seen: Contacts, organic: Floats) -> tuple[Floats, Floats]:
        """Of what is seen of each noticed contact, unpersuaded and persuaded; ``organic`` is the chance that it was
        bought by now of the customer's own accord."""
        bought, late = seen.bought, at_age(self.late, np.minimum(seen.age, 1.0))
        own = np.where(bought, organic, 1.0 - organic)
        brought = np.where(bought, 1.0 - late, late)
        clicks = [np.where(seen.clicked, chance, 1.0 - chance) for chance in self.clicked]
        return own * clicks[0], brought * clicks[1]


@dataclass(frozen=True, slots=True, eq=False)
class Persuasion:
    """The fitted π."""

    linear: Hierarchy
    trees: object
    weight: float
    """Of the trees, 0–1."""
    signs: Signs
    slope: float
    intercept: float

    def probability(self, table: Table) -> Floats:
        """Of every row, ``[n]``."""
        return _within(sigmoid(self.slope * self._raw(table) + self.intercept))

    def _raw(self, table: Table) -> Floats:
        raw = self.linear.raw_of(table.X, table.group)
        if self.weight == 0.0:
            return raw
        return (1.0 - self.weight) * raw + self.weight * predicted(self.trees, table, ROUNDS)


def fit_persuasion(table: Table, seen: Contacts, organic: Floats, *, seed: int, threads: int) -> Persuasion:
    """Fit π to noticed contacts; ``organic`` as in ``Signs.likelihoods``.

    How strongly groups are held together, and the blend, are chosen by how likely they make what held-out customers
    showed.
    """
    linear = {s: np.zeros(len(seen)) for s in STRENGTHS}
    trees, likely = np.zeros(len(seen)), np.zeros((2, len(seen)))
    for out in by_customer(seen.customer):
        learnt, held = table.where(~out), table.where(out)
        rows, own = seen.where(~out), organic[~out]
        found = {s: expectation_maximisation(learnt, rows, own, s) for s in STRENGTHS}
        for s, (half, _, _) in found.items():
            linear[s][out] = half.raw_of(held.X, held.group)
        _, signs, share = found[STRENGTHS[0]]
        trees[out] = predicted(fit_trees(learnt, share, seed=seed, threads=threads, rounds=ROUNDS), held, ROUNDS)
        likely[:, out] = signs.likelihoods(seen.where(out), organic[out])

    def loss(score: Floats) -> float:
        pi = _within(sigmoid(score))
        return -float(np.log(pi * likely[1] + (1.0 - pi) * likely[0]).sum())

    strength = min(STRENGTHS, key=lambda s: loss(linear[s]))
    weight = min(BLENDS[:-1], key=lambda b: loss((1.0 - b) * linear[strength] + b * trees))
    slope, intercept = _line((1.0 - weight) * linear[strength] + weight * trees, loss)
    half, signs, share = expectation_maximisation(table, seen, organic, strength)
    forest = fit_trees(table, share, seed=seed, threads=threads, rounds=ROUNDS)
    return Persuasion(half, forest, weight, signs, slope, intercept)


def _line(score: Floats, loss: Callable[[Floats], float]) -> tuple[float, float]:
    """Slope and intercept that calibrate held-out scores: what the latent share makes likeliest of what was seen.

    The slope is held to 1 as if by LEAN customers, since the few who were persuaded tell little of it.
    """
    centre = float(score.mean())

    def held(line: Floats) -> float:
        slope, shift = line.tolist()
        return loss(slope * (score - centre) + centre + shift) + LEAN * float(slope - 1.0) ** 2

    slope, shift = minimize(held, np.array([1.0, 0.0]), method="Nelder-Mead").x.tolist()
    return slope, shift + (1.0 - slope) * centre


def expectation_maximisation(
    table: Table, seen: Contacts, organic: Floats, strength: float
) -> tuple[Hierarchy, Signs, Floats]:
    """The linear π, the signs, and the chance that each contact persuaded, ``[n]``."""
    pi = np.full(len(seen), FIRST)
    signs = Signs((0.03, 0.5), np.linspace(1.0, 0.0, BINS + 1))
    for _ in range(STEPS):
        not_so, so = signs.likelihoods(seen, organic)
        share = pi * so / np.maximum(pi * so + (1.0 - pi) * not_so, 1e-300)
        half = fit_hierarchies(table.X, table.group, table.groups, share, np.ones(len(share)), (strength,), True)[
            strength
        ]
        pi = _within(sigmoid(half.raw_of(table.X, table.group)))
        signs = Signs(
            (_mean(seen.clicked, 1.0 - share), _mean(seen.clicked, share)), still_to_come(seen.delay, seen.age, share)
        )
    return half, signs, share


def _mean(flag: np.ndarray[tuple[int], np.dtype[np.bool_]], weight: Floats) -> float:
    return float((weight @ flag + 1.0) / (weight.sum() + 2.0))


def _within(pi: Floats) -> Floats:
    return np.clip(pi, LEAST, MOST)
