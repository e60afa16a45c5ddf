"""A policy plays against the market, day by day, and the truth keeps the score."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from training.world.diary import NONE
from training.world.market import Contacts, Market
from training.world.oracle import best, best_within, earned
from training.world.people import Floats, Index
from training.world.randomised import asks, randomised
from training.world.truth import Truth


class Policy(Protocol):
    """Decides about the customers of a day."""

    def __call__(self, market: Market, customers: Index, hour: Floats) -> Contacts:
        """One row per customer, silence included. An honest policy reads of the market what its diary shows."""
        ...


@dataclass(frozen=True, slots=True)
class Day:
    """The score of a day; values are expected, minor units, so that luck has no part in them."""

    day: int
    decisions: int
    contacts: int
    value: float
    """Incremental value of what was done."""
    oracle: float
    """That of the best that could have been done with the same customers as this policy has left them."""
    opted_out: int
    """Customers who left a channel that day."""
    complained: int
    """Complaints of that day."""


def play(market: Market, policy: Policy, days: int, decisions: int) -> Iterator[Day]:
    """Let that many days pass, with so many decisions a day; yields the score of each when it is over."""
    for _ in range(days):
        market.morning()
        customers, hour = asks(market, decisions)
        known, before = market.truth(customers, hour), losses(market)
        most = earned(known.value, *best_of_day(market, known)).sum()
        contacts = policy(market, customers, hour)
        value = earned(known.value, contacts.offer, contacts.channel).sum()
        market.act(contacts)
        left, complained = (after - was for after, was in zip(losses(market), before, strict=True))
        said = int((contacts.offer != NONE).sum())
        yield Day(market.day, len(customers), said, float(value), float(most), left, complained)


def losses(market: Market) -> tuple[int, int]:
    """Channels left and complaints made so far."""
    pages = [page for page in market.diary.events if len(page["kind"]) and str(page["kind"][0]) == "complained"]
    return int(market.condition.opted_out.sum()), sum(len(page["kind"]) for page in pages)


def silent(market: Market, customers: Index, hour: Floats) -> Contacts:
    """Says nothing."""
    del market
    nothing = np.full(len(customers), NONE)
    return Contacts(customers, hour, nothing, nothing, np.ones(len(customers)))


def uniform(market: Market, customers: Index, hour: Floats) -> Contacts:
    """Any allowed pair."""
    return randomised(market, customers, hour, silence=0.0)


def oracle(market: Market, customers: Index, hour: Floats) -> Contacts:
    """Knows the true value of every pair at that moment, under the same caps and capacities."""
    offer, channel = best_of_day(market, market.truth(customers, hour))
    return Contacts(customers, hour, offer, channel, np.ones(len(customers)))


def best_of_day(market: Market, known: Truth) -> tuple[Index, Index]:
    """Everyone's best, or what the linear programme gives where channels or stocks do not suffice for that."""
    offer, channel = best(known.value)
    left, said = market.left(), offer != NONE
    rows = np.flatnonzero(said)
    used = known.noticed * known.bought
    wanted = np.bincount(offer[said], weights=used[rows, offer[said], channel[said]], minlength=len(market.stock))
    if (np.bincount(channel[said], minlength=len(left)) <= left).all() and (wanted <= market.stock).all():
        return offer, channel
    offer, channel, _ = best_within(known.value, left.astype(np.float64), market.stock.astype(np.float64), used)
    return offer, channel
