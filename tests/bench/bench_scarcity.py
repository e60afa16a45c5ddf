"""Who gets what is scarce, three ways, on a seeded audience: share of the linear programme's optimum.

Each channel has a capacity, each offer a stock, and one budget holds over all: together they are enough for about a
fifth of the audience. ``python tests/bench/bench_scarcity.py`` prints the table.
"""

import time
from dataclasses import dataclass

import numpy as np

from serving.allocation.demand import SILENT, Demand
from serving.allocation.fill import fill
from serving.allocation.prices import price
from serving.allocation.programme import optimum

OFFERS, CHANNELS = 12, 4


@dataclass(frozen=True)
class Way:
    """What one way of allocating reached."""

    name: str
    share: float
    """Of the optimum."""
    served: float
    """Share of the audience."""
    over: float
    """Largest excess over a limit, units."""


@dataclass(frozen=True)
class Comparison:
    """All ways of one audience."""

    ways: tuple[Way, ...]
    gap: float
    """Distance of the priced one from its bound, as a share of the bound."""
    slack: float
    """By how much the bound at the optimum's prices exceeds the optimum, as a share: it proves that it is one."""


def audience(customers: int, seed: int) -> Demand:
    """A seeded audience: a few customers are worth much, tastes differ, channels reach some better than others."""
    rng = np.random.default_rng(seed)
    appetite = rng.lognormal(0.0, 0.3, (customers, 1, 1))
    taste = rng.gamma(3.0, 1.0 / 3.0, (customers, OFFERS, 1))
    reach = rng.beta(4.0, 6.0, (customers, 1, CHANNELS))
    margin, cost = rng.uniform(200, 500, (1, OFFERS, 1)), np.array([1.0, 3.0, 6.0, 12.0])
    incentive = rng.uniform(5, 150, OFFERS)
    scores = (appetite * taste * reach * (margin - incentive[None, :, None]) * 0.25 - cost).reshape(customers, -1)
    uses = np.zeros((OFFERS * CHANNELS, CHANNELS + OFFERS + 1))
    offers, channels = np.divmod(np.arange(len(uses)), CHANNELS)
    uses[np.arange(len(uses)), channels] = 1.0
    uses[np.arange(len(uses)), CHANNELS + offers] = 1.0
    uses[:, -1] = incentive[offers] + cost[channels]
    fifth = 0.2 * customers
    capacity = fifth * np.array([0.45, 0.3, 0.25, 0.2])
    stock = fifth * rng.dirichlet(np.full(OFFERS, 4.0)) * 1.6
    return Demand(scores, uses, np.floor(np.concatenate([capacity, stock, [fifth * 62.0]])))


def best_score_first(demand: Demand) -> np.ndarray:
    """The highest score of all is granted first, then the next that still fits, and so on."""
    choices = np.full(len(demand.scores), SILENT, dtype=np.int64)
    left = demand.limits.copy()
    for place in np.argsort(-demand.scores, axis=None, kind="stable"):
        customer, option = divmod(int(place), demand.scores.shape[1])
        if demand.scores[customer, option] <= 0:
            break
        if choices[customer] == SILENT and (demand.uses[option] <= left).all():
            choices[customer] = option
            left -= demand.uses[option]
    return choices


def first_come(demand: Demand) -> np.ndarray:
    """Everybody, in the order of arrival, gets the best that is left."""
    return fill(demand, np.zeros(len(demand.limits)), np.arange(len(demand.scores)))


def compared(customers: int, seed: int) -> Comparison:
    """First come, best score first and by price, beside the optimum."""
    demand = audience(customers, seed)
    best, certain = optimum(demand)
    priced = price(demand, seed)
    ways = {"first come": first_come, "best score first": best_score_first, "by price": lambda _: priced.choices}
    return Comparison(
        tuple(_judged(name, way(demand), demand, best) for name, way in ways.items()),
        priced.gap,
        demand.bound(certain) / best - 1.0,
    )


def _judged(name: str, choices: np.ndarray, demand: Demand, best: float) -> Way:
    over = float((demand.used(choices) - demand.limits).max())
    return Way(name, demand.worth(choices) / best, float((choices != SILENT).mean()), max(over, 0.0))


def main() -> None:
    for customers in (2_000, 20_000):
        begun = time.perf_counter()
        demand = audience(customers, 7)
        price(demand, 7)
        seconds = time.perf_counter() - begun
        found = compared(customers, 7)
        print(f"{customers:,} customers, {OFFERS} offers on {CHANNELS} channels: priced in {seconds:.1f} s")
        for way in found.ways:
            print(f"  {way.name:<18}{way.share:7.1%} of the optimum, {way.served:.1%} served, over by {way.over:g}")
        print(f"  dual gap {found.gap:.3%}; the optimum meets its bound within {found.slack:.1e}")


if __name__ == "__main__":
    main()
