"""What customers buy without being told: per day and category, by taste, stage and season."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from training.world.chance import stream
from training.world.condition import Condition
from training.world.parameters import CATEGORIES, Parameters
from training.world.people import Floats, Index, People

OPENS, CLOSES = 8.0, 22.0
"""Local hours between which purchases happen, evenly."""


def share_by(hour: Floats) -> Floats:
    """Share of a day's purchases that have happened by a local hour."""
    return np.clip((hour - OPENS) / (CLOSES - OPENS), 0.0, 1.0)


def season(parameters: Parameters, seed: int, day: int) -> Floats:
    """What the time of the year and the weekday multiply purchases by, ``[categories]``."""
    phase = stream(seed, "season").uniform(0.0, 365.0, len(CATEGORIES))
    yearly = parameters.season * np.cos(2 * np.pi * (day - phase) / 365.0)
    weekend = 0.25 if day % 7 >= 5 else 0.0
    factor: Floats = np.exp(yearly + weekend)
    return factor


def chance_today(parameters: Parameters, seed: int, people: People, customers: Index, day: int) -> Floats:
    """Chance of a purchase on that day in each stage, ``[n, categories, stages]``."""
    tasted = np.exp(parameters.organic_level + parameters.organic_taste * people.taste_on(customers, day))
    rate = tasted * season(parameters, seed, day)
    chance: Floats = -np.expm1(-rate[:, :, None] * np.array(parameters.organic_stage))
    return chance


def organic(
    parameters: Parameters,
    seed: int,
    people: People,
    condition: Condition,
    customers: Index,
    day: int,
    hour: Floats,
    window: int,
) -> Floats:
    """p₀: chance of a purchase of each category within so many days from now, no contact made, ``[n, categories]``.

    Exact: the stages are a Markov chain, so the chance of buying nothing is a backward recursion over the days. The day
    of the contact counts from the hour on, the last day up to it. Where an earlier contact has already brought a
    purchase about, it is 1.
    """
    moves, by_now = np.array(parameters.moves), share_by(hour)[:, None, None]
    nothing = 1.0 - chance_today(parameters, seed, people, customers, day + window) * by_now
    for later in range(day + window - 1, day, -1):
        nothing = (1.0 - chance_today(parameters, seed, people, customers, later)) * (nothing @ moves.T)
    today = chance_today(parameters, seed, people, customers, day)
    left = 1.0 - today * (1.0 - by_now) / (1.0 - today * by_now)
    stage = condition.stage[customers][:, :, None]
    not_yet = np.take_along_axis(left * (nothing @ moves.T), stage, axis=2)[:, :, 0]
    now = 24.0 * day + hour[:, None]
    # Who has bought today is idle tomorrow.
    chance: Floats = 1.0 - np.where(condition.bought[customers] < now, nothing[:, :, 0], not_yet)
    return np.where(_promised(condition, customers, now, now + 24.0 * window), 1.0, chance)


def _promised(condition: Condition, customers: Index, now: Floats, until: Floats) -> NDArray[np.bool_]:
    """Whether a purchase that a contact has brought about is still to come before ``until``, ``[n, categories]``."""
    pending, bought = condition.pending[customers], condition.bought[customers]
    done = (bought < now) & (condition.promised[customers] < bought)
    coming: NDArray[np.bool_] = (pending > now) & (pending <= until) & ~done
    return coming
