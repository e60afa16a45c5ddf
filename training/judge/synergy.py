"""``python -m training.judge.synergy``: synergy and cannibalisation as measured from a log, beside the market's truth.

The log is of random contacts on random channels; the measurement sees who was contacted where and when, and what was
noticed. The truth is an intervention in the market: each contact that nothing came before is looked at again as if the
first channel had been used before it, after times drawn from the log, with the attention that this would have cost.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace

import numpy as np

from training.synergy.sequences import (
    LAGS,
    QUIET_HOURS,
    Effect,
    Floats,
    Index,
    Lag,
    Log,
    after,
    alone,
    effects,
    to_same_hours,
)
from training.world.diary import NONE
from training.world.market import Market
from training.world.parameters import MEDIA, Inside, Parameters
from training.world.randomised import asks, randomised

QUIET_DAYS = 2
SILENCE = 0.1
LEAST = 100
"""Contacts of a sequence below which nothing is measured."""
PER_DAY = 0.22
"""Share of customers asked about on a day."""


@dataclass(frozen=True, slots=True)
class Beside:
    """A measured effect with the truth."""

    effect: Effect
    truth: float

    @property
    def covered(self) -> bool:
        """The truth lies in the interval."""
        return self.effect.low <= self.truth <= self.effect.high


@dataclass
class _Pages:
    """What is written down while the market runs; one array a day."""

    customer: list[Index] = field(default_factory=list)
    channel: list[Index] = field(default_factory=list)
    since: list[Floats] = field(default_factory=list)
    hour: list[Floats] = field(default_factory=list)
    noticed: list[np.ndarray[tuple[int], np.dtype[np.bool_]]] = field(default_factory=list)
    chances: dict[tuple[int, Lag], list[Floats]] = field(default_factory=dict)
    """By first channel and lag: what the intervention adds to each contact's chance of being noticed, ``[n]``."""

    def log(self) -> Log:
        """The log, without anything that only the market knows."""
        return Log(
            np.concatenate(self.customer),
            np.concatenate(self.channel),
            np.concatenate(self.since),
            np.concatenate(self.hour),
            np.concatenate(self.noticed),
        )


def measured(inside: Inside, seed: int, customers: int, days: int, least: int = LEAST) -> list[Beside]:
    """Every ordered pair of channels at every lag, with the truth."""
    market = Market.of(replace(Parameters(inside), customers=customers, days=days, newcomers=0.0), seed)
    pages = _played(market)
    log = pages.log()
    found = []
    for effect in effects(log, len(MEDIA), least):
        added = np.concatenate(pages.chances[effect.first, effect.lag])
        nothing, soon = alone(log, effect.second), after(log, effect.first, effect.second, effect.lag)
        weight = np.where(np.isfinite(added), to_same_hours(log, soon, nothing), 0.0)
        found.append(Beside(effect, float((weight * np.nan_to_num(added)).sum() / weight.sum())))
    return found


def _played(market: Market) -> _Pages:
    pages, rng = _Pages(), np.random.default_rng(market.seed)
    for day in range(market.parameters.days):
        market.morning()
        if day < QUIET_DAYS:
            continue
        contacts = randomised(market, *asks(market, round(PER_DAY * len(market.people))), SILENCE)
        said = contacts.offer != NONE
        who, hour = contacts.customer[said], contacts.hour[said]
        offer, channel = contacts.offer[said], contacts.channel[said]
        now = 24.0 * day + hour
        pages.customer.append(who)
        pages.channel.append(channel)
        pages.hour.append(hour)
        pages.since.append(now[:, None] - market.condition.contacted[who])
        quiet = (pages.since[-1] > QUIET_HOURS).all(axis=1)
        for first in range(len(MEDIA)):
            for lag in LAGS:
                added = np.full(len(who), np.nan)
                added[quiet] = _intervention(
                    market, who[quiet], hour[quiet], offer[quiet], channel[quiet], first, lag, rng
                )
                pages.chances.setdefault((first, lag), []).append(added)
        pages.noticed.append(market.act(contacts)[said])
    return pages


def _intervention(
    market: Market,
    who: Index,
    hour: Floats,
    offer: Index,
    channel: Index,
    first: int,
    lag: Lag,
    rng: np.random.Generator,
) -> Floats:
    """By how much each contact would be noticed more often had the first channel been used so long before, ``[n]``."""
    rows, now = np.arange(len(who)), 24.0 * market.day + hour
    held, as_it_is = market.condition, market.truth(who, hour).noticed[rows, offer, channel]
    # A contact is made on another day, at an hour between 8 and 21, as in the log.
    nights = rng.choice([1, 2, 3, 4], len(who))
    before = 24.0 * nights + hour - rng.uniform(8.0, 21.0, len(who))
    for _ in range(50):
        off = (before <= lag.above) | (before > lag.upto)
        nights = np.where(off, rng.choice([1, 2, 3, 4], len(who)), nights)
        before = np.where(off, 24.0 * nights + hour - rng.uniform(8.0, 21.0, len(who)), before)
    possible = (before > lag.above) & (before <= lag.upto)
    try:
        market.condition = deepcopy(held)
        market.condition.contacted[who, first] = now - before
        used = MEDIA[first].wear * market.people.missing[who] ** nights
        market.condition.attention[who] = held.attention[who] * (1.0 - used)
        changed = market.truth(who, hour).noticed[rows, offer, channel]
    finally:
        market.condition = held
    return np.where(possible, changed - as_it_is, np.nan)


def lines(found: Sequence[Beside]) -> Iterator[str]:
    """A table for people; points are hundredths of the messages sent."""
    yield f"  {'first':<7}{'then':<7}{'how long before':<20}{'contacts':>9}{'measured':>10}{'95 %':>18}{'truth':>8}"
    for each in found:
        e = each.effect
        names = f"  {MEDIA[e.first].name:<7}{MEDIA[e.second].name:<7}{e.lag.name:<20}"
        span = f"[{100 * e.low:+.1f}, {100 * e.high:+.1f}]"
        word = "" if not e.clear else "synergy" if e.value > 0 else "cannibalises"
        yield f"{names}{e.rows:>9,}{100 * e.value:>+10.1f}{span:>18}{100 * each.truth:>+8.1f}  {word}"
    inside = sum(each.covered for each in found)
    clear = [each for each in found if each.effect.clear]
    right = sum(np.sign(each.truth) == np.sign(each.effect.value) for each in clear)
    yield f"  {inside} of {len(found)} truths lie in their 95 % interval"
    yield f"  {right} of {len(clear)} clear effects have the sign of the truth"


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table of one market of each inside."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--customers", type=int, default=8_000)
    parser.add_argument("--days", type=int, default=60)
    given = parser.parse_args(arguments)
    for inside in Inside:
        print(f"{inside}, {given.customers:,} customers, {given.days} days: points of noticing by what came before")
        print("\n".join(lines(measured(inside, given.seed, given.customers, given.days))), flush=True)


if __name__ == "__main__":
    main()
