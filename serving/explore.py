"""Which choice is made, drawn from a known distribution: every probability is exact and can be computed again.

Every decision belongs to one of three groups, by hash: *control* says nothing, *random* chooses evenly among all that
is allowed, *learnt* follows a rule that mostly takes the best. What is logged is the probability of the choice before
the group is looked at, so all three groups together are one log::

    P(a) = control·1[a = silence] + random/m + (1 − control − random)·learnt(a)

Learnt rules are inverse gap weighting (Foster & Rakhlin, *ICML* 2020) and finite Thompson sampling, each over a floor.
Slates are filled from the top, each place by the same rule without what stands above. What turned out to be sold out
is barred: the same distribution, restricted to what remains. Nothing here reads a clock or draws fresh random numbers:
u = hash(salt, decision, attempt, place).
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.quick import quick

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]
Learnt = Callable[[Mask], Floats]
"""From what is still open, ``[m]``, to a distribution over it, ``[m]``."""


class Group(StrEnum):
    """Why a choice was made as it was."""

    CONTROL = "control"
    RANDOM = "random"
    LEARNT = "learnt"


@quick(frozen=True, slots=True)
class Shares:
    """How decisions are divided; the rest is learnt."""

    control: float
    """Share of decisions (0–1) that say nothing, whatever the scores."""
    random: float
    """Share of decisions (0–1) that choose evenly."""

    @property
    def learnt(self) -> float:
        """The rest."""
        return 1.0 - self.control - self.random

    def group(self, u: float) -> Group:
        """The group of a number in [0, 1)."""
        if u < self.control:
            return Group.CONTROL
        return Group.RANDOM if u < self.control + self.random else Group.LEARNT


@quick(frozen=True, slots=True)
class Ticket:
    """What a draw depends on beside the distribution."""

    decision: str
    unit: str
    """What is divided into groups: the customer's id for a lasting control group, else the decision's."""
    salt: str
    attempt: int = 0
    """Raised when the same decision has to be drawn again, because its choice could not be reserved."""


@quick(frozen=True, slots=True)
class Choice:
    """What was chosen for one place."""

    action: int
    probability: float
    """Given the places above and before the group is looked at."""
    distribution: Floats
    """The same of every action, ``[m]``; 0 where it was not open."""


@quick(frozen=True, slots=True)
class Slate:
    """The choices from the top; silence ends a slate and is its last choice."""

    group: Group
    choices: tuple[Choice, ...]

    @property
    def probability(self) -> float:
        """Of the whole slate."""
        return math.prod(choice.probability for choice in self.choices)


def uniform(*parts: str | int) -> float:
    """A number in [0, 1) that depends on the parts alone, on every machine.

    >>> uniform("salt", "decision-1", 0) == uniform("salt", "decision-1", 0)
    True
    """
    text = "\x1f".join(str(part) for part in parts).encode()
    return (int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "big") >> 11) * 2.0**-53


def fill(
    shares: Shares,
    learnt: Learnt,
    alike: Sequence[str] | NDArray[Any],
    silence: int,
    places: int,
    ticket: Ticket,
    barred: Mask | None = None,
) -> Slate:
    """Choices for up to ``places`` places.

    Args:
        shares: How decisions are divided.
        learnt: The learnt rule.
        alike: What each action is about, ``[m]``: once shown, nothing else about the same is open below.
        silence: The action that says nothing; it is always open.
        places: Places at most, from 1.
        ticket: What the draw depends on.
        barred: What cannot be had any more, ``[m]``; never silence.
    """
    group = shares.group(uniform(ticket.salt, "group", ticket.unit))
    about, still = np.asarray(alike), np.ones(len(alike), dtype=np.bool_)
    weights = np.array([shares.control, shares.random, shares.learnt])
    choices: list[Choice] = []
    while len(choices) < places and (not choices or choices[-1].action != silence):
        rules = _by_group(learnt, still, silence)
        if barred is not None:
            rules = _restricted(rules, still & ~barred, learnt)
        u = uniform(ticket.salt, "choice", ticket.decision, ticket.attempt, len(choices))
        action = pick(rules[list(Group).index(group)], u)
        distribution = weights @ rules / weights.sum()
        choices.append(Choice(action, float(distribution[action]), distribution))
        # What is above tells of the group: without this the conditionals would not multiply to the slate's probability.
        weights = weights * rules[:, action]
        still &= about != about[action]
        still[silence] = True
    return Slate(group, tuple(choices))


def _by_group(learnt: Learnt, still: Mask, silence: int) -> Floats:
    """The distribution of every group, ``[3, m]``."""
    quiet = np.zeros(len(still))
    quiet[silence] = 1.0
    return np.stack([quiet, still / still.sum(), learnt(still)])


def _restricted(rules: Floats, left: Mask, learnt: Learnt) -> Floats:
    """The same distributions over what is left, ``[3, m]``; where nothing of one is, the rule over what is left."""
    kept = np.where(left, rules, 0.0)
    if not kept[-1].any():
        kept[-1] = learnt(left)
    kept /= kept.sum(axis=1, keepdims=True)
    return kept


def pick(distribution: Floats, u: float) -> int:
    """The first action whose cumulated probability exceeds ``u``; never one of probability 0."""
    first = int(np.searchsorted(np.cumsum(distribution), u, side="right"))
    # Rounding can leave the sum below 1: the last possible action stands for what is missing.
    return first if first < len(distribution) else int(np.flatnonzero(distribution)[-1])


def inverse_gap(scores: Floats, still: Mask, gamma: float, best: int, floor: float, descending: bool = False) -> Floats:
    """Inverse gap weighting over the best open actions, over a floor, ``[m]``.

    Args:
        scores: Value of every action, ``[m]``.
        still: Which of them are open, ``[m]``.
        gamma: Per unit of the scores: how sharply worse actions are avoided; infinite takes the best alone.
        best: How many actions are weighted; the others have only the floor.
        floor: Probability that is spread evenly over all open actions (0–1).
        descending: True where the scores are in their order already.
    """
    opened = np.flatnonzero(still)
    order = (opened if descending else opened[np.argsort(-scores[opened], kind="stable")])[:best]
    gaps = scores[order[0]] - scores[order]
    weighted = 1.0 / (len(order) + _times(gamma, gaps))
    weighted[0] = 1.0 - weighted[1:].sum()
    spread = np.where(still, floor / len(opened), 0.0)
    spread[order] += (1.0 - floor) * weighted
    return spread


def _times(gamma: float, gaps: Floats) -> Floats:
    """γ·gap, 0 for equal scores even where γ is infinite."""
    if math.isfinite(gamma):
        return gamma * gaps
    return np.multiply(gamma, gaps, out=np.zeros_like(gaps), where=gaps > 0)


def thompson(scores: Floats, deviations: Floats, still: Mask, floor: float) -> Floats:
    """How often each open action is best over the noisy scores, over a floor, ``[m]``.

    ``deviations``, ``[draws, m]``, are what every draw adds to the scores: see :func:`noise`.
    """
    noisy = np.where(still, scores + deviations, -np.inf)
    wins = np.bincount(noisy.argmax(axis=1), minlength=len(scores)) / len(deviations)
    return np.where(still, floor / still.sum(), 0.0) + (1.0 - floor) * wins


def noise(about: Sequence[str], conversions: Floats, slope: Floats, tau: float, draws: int, version: str) -> Floats:
    """What is not known of each action's score, ``[draws, m]``, the same wherever this version of the model runs.

    Args:
        about: What each action is about; the same offer has the same luck on every channel.
        conversions: Conversions that were seen of it, ``[m]``.
        slope: What one unit of log-odds changes in the score, ``[m]``.
        tau: Standard deviation between offers, in log-odds.
        draws: How many draws.
        version: Version of the model, the seed.
    """
    normal = {name: np.random.default_rng(_seed(version, name)).standard_normal(draws) for name in sorted(set(about))}
    z = np.stack([normal[name] for name in about], axis=1)
    deviations: Floats = z * (slope / np.sqrt(1.0 / tau**2 + conversions))
    return deviations


def _seed(*parts: str) -> int:
    return int.from_bytes(hashlib.blake2b("\x1f".join(parts).encode(), digest_size=8).digest(), "big")
