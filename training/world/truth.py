"""What every contact is really worth at a moment: the closed form that learners never see."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.world import crooked, logistic
from training.world.assortment import Assortment
from training.world.condition import Condition
from training.world.mood import mood
from training.world.organic import organic
from training.world.parameters import MEDIA, Inside, Parameters
from training.world.people import Floats, Index, People


@dataclass(frozen=True, slots=True, eq=False)
class Truth:
    """Chances and values of every pair, ``[n, offers, channels]``; ``organic`` is ``[n, offers]``."""

    noticed: Floats
    """v."""
    persuaded: Floats
    """π = (q − p₀) / (1 − p₀)."""
    organic: Floats
    """p₀: bought within the offer's window without the contact."""
    allowed: NDArray[np.bool_]
    """Valid now, carried by the channel, in stock, the customer has not opted out and is below the weekly cap."""
    value: Floats
    """Expected incremental value, minor units; minus infinity where it is not allowed. Silence is worth 0."""

    @property
    def bought(self) -> Floats:
        """q: bought within the window once noticed."""
        anyway = self.organic[:, :, None]
        return anyway + (1.0 - anyway) * self.persuaded


def truth(
    parameters: Parameters,
    seed: int,
    people: People,
    offers: Assortment,
    condition: Condition,
    stock: Index,
    customers: Index,
    day: int,
    hour: Floats,
) -> Truth:
    """The truth about these customers, each at a local hour of that day.

    EIV = v·((q − p₀)·margin − q·incentive) − [automatic] (1 − v)·p₀·incentive − cost − chance of an opt-out × its cost.
    What a contact does to the next ones comes on top: see :mod:`training.world.patience`.
    """
    inside = logistic if parameters.inside is Inside.LOGISTIC else crooked
    now = mood(parameters, people, condition, customers, day, hour)
    v, pi = inside.notice(parameters, offers, now), inside.persuade(parameters, offers, now)
    anyway = _anyway(parameters, seed, people, offers, condition, customers, day, hour)
    p0, gained = anyway[:, :, None], (1.0 - anyway[:, :, None]) * pi
    margin, incentive = offers.margin[:, None], offers.incentive[:, None]
    cost = np.array([medium.cost_minor for medium in MEDIA])
    value = v * (gained * margin - (p0 + gained) * incentive) - cost
    value = value - np.where(offers.automatic[:, None], (1.0 - v) * p0 * incentive, 0.0)
    value = value - (optout(parameters, now.attention) * parameters.optout_cost_minor)[:, None, None]
    allowed = _allowed(parameters, people, offers, condition, stock, customers, day, hour)
    return Truth(v, pi, anyway, allowed, np.where(allowed, value, -np.inf))


def optout(parameters: Parameters, attention: Floats) -> Floats:
    """Chance that a contact makes the customer leave its channel, ``[n]``, by the attention left before it."""
    return parameters.optout_rested + parameters.optout_weary * (1.0 - attention) ** 2


def _anyway(
    parameters: Parameters,
    seed: int,
    people: People,
    offers: Assortment,
    condition: Condition,
    customers: Index,
    day: int,
    hour: Floats,
) -> Floats:
    chances = np.zeros((len(customers), len(offers)))
    for window in np.unique(offers.window):
        by_category = organic(parameters, seed, people, condition, customers, day, hour, int(window))
        of_it = offers.window == window
        chances[:, of_it] = by_category[:, offers.category[of_it]]
    return chances


def _allowed(
    parameters: Parameters,
    people: People,
    offers: Assortment,
    condition: Condition,
    stock: Index,
    customers: Index,
    day: int,
    hour: Floats,
) -> NDArray[np.bool_]:
    now = 24.0 * day + hour
    weary = (now[:, None] - condition.recent[customers] < 24.0 * 7).sum(axis=1) >= parameters.cap_per_week
    reachable = ~condition.opted_out[customers] & ~(weary | (people.joined[customers] > day))[:, None]
    made = (offers.first_day <= day) & (stock > 0)
    allowed: NDArray[np.bool_] = reachable[:, None, :] & (offers.carried & made[:, None])[None, :, :]
    return allowed
