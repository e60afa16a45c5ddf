"""The log that learners start from: silence now and then, else any allowed pair with the same probability."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from training.world.chance import stream
from training.world.diary import NONE
from training.world.market import Contacts, Market
from training.world.parameters import MEDIA
from training.world.people import Floats, Index

FIRST_HOUR, LAST_HOUR = 8.0, 21.0
"""Local hours between which anybody may be contacted."""


def asks(market: Market, decisions: int) -> tuple[Index, Floats]:
    """Customers of the day and their local hours: as many as wished, or all who are there."""
    rng, here = stream(market.seed, "asks", market.day), market.present()
    customers = np.sort(rng.choice(here, min(decisions, len(here)), replace=False))
    return customers, rng.uniform(FIRST_HOUR, LAST_HOUR, len(customers))


def randomised(market: Market, customers: Index, hour: Floats, silence: float) -> Contacts:
    """Random contacts with these customers, with exact probabilities; silence where nothing is allowed."""
    allowed = market.truth(customers, hour).allowed.reshape(len(customers), len(market.offers) * len(MEDIA))
    choices, draws = allowed.sum(axis=1), stream(market.seed, "log", market.day).random((len(customers), 2))
    said = (draws[:, 0] >= silence) & (choices > 0)
    nth = np.floor(draws[:, 1] * choices)
    pair = (np.cumsum(allowed, axis=1) > nth[:, None]).argmax(axis=1)
    probability = np.where(said, (1.0 - silence) / np.maximum(choices, 1), np.where(choices > 0, silence, 1.0))
    offer, channel = (np.where(said, each, NONE) for each in np.divmod(pair, len(MEDIA)))
    return Contacts(customers, hour, offer, channel, probability)


def randomised_days(market: Market, quiet_days: int, contacts: int, silence: float) -> Iterator[int]:
    """Let all days pass: quiet ones first, then equally many decisions a day; yields each day when it is over."""
    left = market.parameters.days - quiet_days
    a_day = round(contacts / max(1.0 - silence, 1e-9) / max(left, 1))
    for day in range(market.parameters.days):
        market.morning()
        if day >= quiet_days and a_day:
            market.act(randomised(market, *asks(market, a_day), silence))
        yield day
