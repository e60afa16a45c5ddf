"""Who is expected to ask until what is scarce is renewed, and how much of it there is for each of them.

Real time sees one customer after the other. The fluid programme replaces those to come by a sample of those who came,
and each limit by what is left of it per expected ask: its dual prices are what a unit is worth to those to come
(Talluri & van Ryzin, *Management Science* 44, 1998). Solved anew ten times a day, chance is made up for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from features.domain import DAY, HOUR, Instant
from serving.allocation.demand import Demand, Scores
from serving.jobs.scarcity import Options
from serving.ledger.counting import stretch_of
from serving.ledger.shared import stock_key, window_key
from serving.pairs import Pair
from serving.policy.policy import Policy
from serving.policy.window import Unit, Window


@dataclass(frozen=True, slots=True)
class Asks:
    """Those who came lately, as those to come will be."""

    sample: int
    per_day: float

    def until(self, at: Instant, end: Instant) -> float:
        """How many are expected between two instants; at least one, whoever asks next."""
        return max(self.per_day * (end - at) / DAY, 1.0)


def ahead(
    options: Options, scores: Scores, taken: Mapping[str, float], asks: Asks, ends: Mapping[str, Instant], at: Instant
) -> Demand:
    """The sample's wishes ``[n_sample, n_options]``, with what is left per expected ask, times the sample."""
    left = options.demand(scores, taken)
    expected = np.array([asks.until(at, ends[key]) for key in options.keys])
    return Demand(left.scores, left.uses, left.limits * (asks.sample / expected))


def ends_of(policy: Policy, pairs: Sequence[Pair], at: Instant, horizon_days: float) -> dict[str, Instant]:
    """Until when each stock, capacity and budget has to last: the end of its stretch of the calendar in UTC, else that
    of the last offer it is for, at most so many days ahead."""
    last = Instant(round(at + horizon_days * DAY))
    moments = [Instant(at + hour * HOUR) for hour in range(policy.horizon_hours + 1)]
    found = {}
    for pair in pairs:
        if pair.offer.stock is not None:
            found[stock_key(pair.offer.offer_id)] = _latest([pair], last)
    scarce: list[tuple[str, str, Window | None, Callable[[Pair], bool]]] = [
        *(("capacity", c.name, c.window, _on(c.channel)) for c in policy.capacities),
        *(("budget", b.name, b.window, b.about.selects) for b in policy.budgets),
    ]
    for noun, name, window, concerns in scarce:
        if window is None or window.calendar is None:
            found[window_key(noun, name, window, at)] = _latest(filter(concerns, pairs), last)
        else:
            for moment in moments:
                found[window_key(noun, name, window, moment)] = end_of(window.calendar, moment)
    return found


def _on(channel: str) -> Callable[[Pair], bool]:
    return lambda pair: pair.channel.name == channel


def _latest(pairs: Iterable[Pair], last: Instant) -> Instant:
    return Instant(max((min(pair.offer.valid_to or last, last) for pair in pairs), default=last))


def end_of(unit: Unit, moment: Instant) -> Instant:
    """The end of the day, week or month that holds an instant, UTC."""
    days = moment // DAY + np.arange(32)
    numbers = stretch_of(unit, days)
    later = np.flatnonzero(numbers != numbers[0])
    return Instant(int(days[later[0]]) * DAY)
