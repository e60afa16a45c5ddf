"""The logistic inside: everything adds up in log-odds."""

from __future__ import annotations

import numpy as np

from training.world.assortment import Assortment
from training.world.mood import AT_PLACE, Mood
from training.world.parameters import MEDIA, Parameters
from training.world.people import Floats


def notice(parameters: Parameters, offers: Assortment, mood: Mood) -> Floats:
    """v: chance that a contact is noticed, ``[n, offers, channels]``."""
    by_hour = mood.sharp[:, None] * np.cos(2 * np.pi * mood.hours_off / 24.0)
    reached = np.array([medium.notice for medium in MEDIA]) + mood.habit + by_hour + AT_PLACE[mood.place]
    reached = reached + parameters.lift * mood.lifted - parameters.clash * mood.clashes
    reached = reached + 0.9 * np.log(np.maximum(mood.attention, 0.02))[:, None]
    subject = 0.35 * mood.taste[:, offers.category] + 0.2 * offers.quality
    return _sigmoid(reached[:, None, :] + subject[:, :, None])


def persuade(parameters: Parameters, offers: Assortment, mood: Mood) -> Floats:
    """π: chance that who noticed buys and would not have bought anyway, ``[n, offers, channels]``."""
    share = offers.incentive / offers.margin
    stage = np.array(parameters.persuaded_stage)[mood.stage]
    felt = parameters.persuaded_level + 1.4 * mood.taste[:, offers.category] + stage[:, offers.category]
    felt = felt + offers.quality + 2.5 * mood.price[:, None] * share
    by_channel = np.array([medium.persuasion for medium in MEDIA]) + 0.5 * parameters.lift * mood.lifted
    return _sigmoid(felt[:, :, None] + by_channel[:, None, :])


def _sigmoid(x: Floats) -> Floats:
    return 1.0 / (1.0 + np.exp(-x))
