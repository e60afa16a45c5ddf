"""Who gets what is scarce when customers come one by one: share of the linear programme's optimum, seeded.

A day of customers comes in chance order; capacities, stock and a budget are enough for a fifth. *First come* gives each
the best that is left. *Yesterday's prices* charges the prices of another day's customers. *Ten times a day* solves them
again from a sample of yesterday's customers, with what is left for those still expected, as ``serving.prices`` does;
nobody sees who will come. The optimum knows everybody beforehand. ``python -m tests.bench.bench_prices`` prints it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from serving.allocation.demand import SILENT, Demand, Floats, Indices
from serving.allocation.fill import usable
from serving.allocation.prices import price
from serving.allocation.programme import optimum
from tests.bench.bench_scarcity import audience

SAMPLE = 1_000


@dataclass(frozen=True)
class Day:
    """Today's customers in the order in which they come, and yesterday's."""

    today: Demand
    yesterday: Demand


def day(customers: int, seed: int) -> Day:
    """Two days of one shop: the same offers, channels and limits, other customers."""
    both = audience(2 * customers, seed)
    order = np.random.default_rng(seed).permutation(2 * customers)
    limits = np.floor(both.limits / 2)
    return Day(both.part(order[:customers], limits), both.part(order[customers:], limits))


def stream(day: Day, times: int, seed: int) -> Indices:
    """What each of today's customers gets, with prices solved so many times; 0: nothing has a price."""
    demand, left = day.today, day.today.limits.copy()
    n = len(demand.scores)
    choices = np.full(n, SILENT, dtype=np.int64)
    stops = {round(n * k / times) for k in range(times)} if times else set()
    charges = np.zeros(len(demand.uses))
    for customer in range(n):
        if customer in stops:
            charges = demand.charges(usable(solved(day.yesterday, left, n - customer, seed + customer)))
        net = np.where((demand.uses <= left).all(axis=1), demand.scores[customer] - charges, -np.inf)
        best = int(net.argmax())
        if net[best] > 0:
            choices[customer] = best
            left -= demand.uses[best]
    return choices


def solved(seen: Demand, left: Floats, expected: int, seed: int) -> Floats:
    """Prices from a sample of those seen, with what is left for each of those expected."""
    rows = np.sort(np.random.default_rng(seed).permutation(len(seen.scores))[:SAMPLE])
    sample = seen.part(rows, left * (len(rows) / expected))
    return price(sample, seed).prices


def shares(customers: int, seed: int) -> dict[str, float]:
    """Share of the optimum by way."""
    found = day(customers, seed)
    best, _ = optimum(found.today)
    ways = {"first come": 0, "yesterday's prices": 1, "prices ten times a day": 10}
    told = {}
    for name, times in ways.items():
        choices = stream(found, times, seed)
        assert (found.today.used(choices) <= found.today.limits + 1e-9).all()
        told[name] = found.today.worth(choices) / best
    return told


def main() -> None:
    """Print the table over five seeds."""
    customers, seeds = 5_000, range(5)
    found = [shares(customers, seed) for seed in seeds]
    print(f"{customers:,} customers, {len(found)} days: share of the optimum, mean (least to most)")
    for name in found[0]:
        each = [day[name] for day in found]
        print(f"  {name:<24}{np.mean(each):7.1%} ({min(each):.1%} to {max(each):.1%})")


if __name__ == "__main__":
    main()
