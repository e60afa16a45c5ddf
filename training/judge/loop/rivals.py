"""What is played beside the service, on the same market with the same luck."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from training.world.diary import NONE
from training.world.market import Contacts, Market
from training.world.parameters import Parameters
from training.world.people import Floats, Index
from training.world.play import Day, Policy, oracle, play, silent
from training.world.randomised import asks

OURS = "Kairos"
SILENCE, CONSTANT, ORACLE = "silence", "best constant", "oracle"


def opened(parameters: Parameters, seed: int, quiet_days: int) -> Market:
    """The market after so many days on which nobody was contacted."""
    market = Market.of(parameters, seed)
    for _ in range(quiet_days):
        market.morning()
    return market


def constant(parameters: Parameters, seed: int, quiet_days: int, decisions: int) -> Policy:
    """One offer on one channel for everybody for whom it is allowed: the best of them on the truth of the first day."""
    market = opened(parameters, seed, quiet_days)
    market.morning()
    value = market.truth(*asks(market, decisions)).value
    total = np.where(np.isfinite(value), value, 0.0).sum(axis=0)
    offer, channel = (int(place) for place in np.unravel_index(int(total.argmax()), total.shape))

    def policy(market: Market, customers: Index, hour: Floats) -> Contacts:
        allowed = market.truth(customers, hour).allowed[:, offer, channel]
        allowed &= np.cumsum(allowed) <= market.left()[channel]
        offers, channels = np.where(allowed, offer, NONE), np.where(allowed, channel, NONE)
        return Contacts(customers, hour, offers, channels, np.ones(len(customers)))

    return policy


def rivals(parameters: Parameters, seed: int, quiet_days: int, days: int, decisions: int) -> dict[str, list[Day]]:
    """The days of each rival."""
    policies: dict[str, Policy] = {
        SILENCE: silent,
        CONSTANT: constant(parameters, seed, quiet_days, decisions),
        ORACLE: oracle,
    }
    return {
        name: list(_played(opened(parameters, seed, quiet_days), policy, days, decisions))
        for name, policy in policies.items()
    }


def _played(market: Market, policy: Policy, days: int, decisions: int) -> Iterator[Day]:
    yield from play(market, policy, days, decisions)
