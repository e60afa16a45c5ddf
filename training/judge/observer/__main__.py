"""``python -m training.judge.observer``: how much of the oracle's value is open to anybody, market by market.

Also what share of the differences in noticing and in being persuaded, between all allowed pairs, events tell at all.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow.parquet as pq

from training.judge.ground import QUIET, SILENCE, Size
from training.judge.observer.observer import Expected, expected
from training.world.contract import write
from training.world.market import Market
from training.world.oracle import best, earned
from training.world.parameters import Inside, Parameters
from training.world.people import Floats
from training.world.randomised import asks, randomised_days
from training.world.truth import Truth


def played(inside: Inside, seed: int, size: Size) -> tuple[Truth, Expected]:
    """A market after its log, as ``make evaluate SOURCE=world`` judges it: the truth and what may be expected."""
    market = Market.of(Parameters(inside, customers=size.customers, days=size.days), seed)
    for _ in randomised_days(market, round(size.days * QUIET), size.contacts, SILENCE):
        pass
    market.morning()
    with TemporaryDirectory() as folder:
        write(market, Path(folder))
        customers = pq.read_table(Path(folder) / "customers.parquet")
    who, hour = asks(market, size.customers)
    return market.truth(who, hour), expected(market, customers, who, hour, seed)


def share(truth: Truth, value: Floats) -> float:
    """Of the oracle's value, that of choosing by these values."""
    chosen = earned(truth.value, *best(np.where(truth.allowed, value, -np.inf)))
    return float(chosen.sum() / earned(truth.value, *best(truth.value)).sum())


def told(said: Floats, true: Floats) -> float:
    """Share of the variance explained."""
    return 1.0 - float(((said - true) ** 2).mean() / true.var())


def main() -> None:
    """Print a line for each market."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3, 4, 5])
    asked.add_argument("--customers", type=int, default=Size().customers)
    asked.add_argument("--contacts", type=int, default=Size().contacts)
    how = asked.parse_args()
    size = Size(customers=how.customers, contacts=how.contacts)
    print("market          share of the oracle   said to be   variance told of v     π    p₀")
    for seed in how.seeds:
        for inside in Inside:
            truth, found = played(inside, seed, size)
            pairs, top = truth.allowed, earned(truth.value, *best(truth.value)).sum()
            hoped = np.where(pairs, found.value, -np.inf).max(axis=(1, 2))
            parts = [
                told(found.noticed[pairs], truth.noticed[pairs]),
                told(found.persuaded[pairs], truth.persuaded[pairs]),
                told(found.organic[pairs.any(axis=2)], truth.organic[pairs.any(axis=2)]),
            ]
            print(
                f"{inside:<9} {seed:>4} {share(truth, found.value):>20.3f} {np.maximum(hoped, 0.0).sum() / top:>12.3f}"
                f" {parts[0]:>20.3f} {parts[1]:>5.3f} {parts[2]:>5.3f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
