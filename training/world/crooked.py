"""The crooked inside: thresholds, products and saturation; nothing adds up in log-odds.

A channel is looked at within some hours of its favourite hour and hardly outside; attention counts squared; who is not
sensitive to prices is put off by a large incentive; liking counts only above a threshold, and then it saturates.
"""

from __future__ import annotations

import numpy as np

from training.world.assortment import Assortment
from training.world.mood import AT_PLACE, Mood
from training.world.parameters import MEDIA, Parameters
from training.world.people import Floats

WIDE, NARROW = 6.0, 2.0
"""Hours around the favourite one in which the least and the most particular customers look."""


def notice(parameters: Parameters, offers: Assortment, mood: Mood) -> Floats:
    """v: chance that a contact is noticed, ``[n, offers, channels]``."""
    width = WIDE - (WIDE - NARROW) * (mood.sharp - 0.3) / 0.9
    looks = np.where(mood.hours_off <= width[:, None], 1.0, 0.4)
    used = np.clip(0.5 + 0.45 * mood.habit, 0.05, 1.0)
    place = np.where(AT_PLACE[mood.place] < 0, 0.6, 1.0)
    between = np.where(mood.lifted, 1.0 + parameters.lift, 1.0) * np.where(
        mood.clashes, 1.0 - 0.6 * parameters.clash, 1.0
    )
    reached = np.array([medium.ceiling for medium in MEDIA]) * looks * used * place * between
    reached = reached * (mood.attention**2)[:, None]
    subject = np.where(mood.taste[:, offers.category] > 0.0, 1.15, 0.8)
    noticed: Floats = np.minimum(reached[:, None, :] * subject[:, :, None], 0.97)
    return noticed


def persuade(parameters: Parameters, offers: Assortment, mood: Mood) -> Floats:
    """π: chance that who noticed buys and would not have bought anyway, ``[n, offers, channels]``."""
    share = offers.incentive / offers.margin
    liking = np.maximum(mood.taste[:, offers.category] + offers.quality - 0.2, 0.0) ** 2
    liked = parameters.persuaded_ceiling * liking / (liking + 3.0)
    stage = np.array([0.5, 1.8, 1.2])[mood.stage][:, offers.category]
    sensitive = mood.price[:, None] > 0.9
    incentive = np.where(sensitive, 1.0 + 3.0 * mood.price[:, None] * share, 1.0 - 0.8 * share)
    felt = liked * stage * incentive
    by_channel = np.exp(np.array([medium.persuasion for medium in MEDIA])) * np.where(mood.lifted, 1.3, 1.0)
    persuaded: Floats = np.minimum(felt[:, :, None] * by_channel[:, None, :], 0.7)
    return persuaded
