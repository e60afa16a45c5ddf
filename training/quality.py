"""How good probabilities are on rows that the model has not seen, with intervals, for several contenders at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.auc import Ranking
from training.reliability import Reliability, reliability
from training.resampling import Draws, Interval, interval

Floats = NDArray[np.float64]
METRICS = ("auc", "auc_within_offer", "log_loss", "brier", "mean_predicted", "mean_observed")
HIGHER_IS_BETTER = frozenset({"auc", "auc_within_offer"})
CERTAIN = 1e-9
"""Probabilities are held this far from 0 and 1 before their logarithm is taken."""


@dataclass(frozen=True)
class Judged:
    """The rows on which contenders are judged."""

    taken: NDArray[np.bool_]
    offers: NDArray[Any]
    channels: NDArray[Any]
    customers: NDArray[Any]
    weight: Floats
    """How many rows of the population each row stands for."""


@dataclass(frozen=True)
class Quality:
    """One contender: every metric of METRICS with its interval, its draws, and its calibration."""

    metrics: Mapping[str, Interval]
    draws: Mapping[str, Floats]
    reliability: Reliability


def losses(taken: NDArray[np.bool_], probability: Floats) -> tuple[Floats, Floats]:
    """Log-loss and squared error of every row, ``[n]`` each."""
    p = np.clip(probability, CERTAIN, 1 - CERTAIN)
    return -np.where(taken, np.log(p), np.log1p(-p)), (probability - taken) ** 2


def judge(rows: Judged, contenders: Mapping[str, Floats], *, n_draws: int, seed: int) -> dict[str, Quality]:
    """The quality of each contender's probabilities ``[n]`` on the same rows and the same draws of customers."""
    draws = Draws(rows.customers, n_draws=n_draws, seed=seed)
    return {name: _quality(rows, p, draws, seed) for name, p in contenders.items()}


def _quality(rows: Judged, probability: Floats, draws: Draws, seed: int) -> Quality:
    log_loss, brier = losses(rows.taken, probability)
    found: dict[str, tuple[float, Floats]] = {}
    for name, group in (("auc", None), ("auc_within_offer", rows.offers)):
        ranking = Ranking(rows.taken, probability, group)
        found[name] = ranking.auc(rows.weight), np.array([ranking.auc(rows.weight * t) for t in draws])
    mass = draws.sums(rows.weight)
    observed = rows.taken.astype(np.float64)
    means = {"log_loss": log_loss, "brier": brier, "mean_predicted": probability, "mean_observed": observed}
    for name, values in means.items():
        found[name] = float(np.average(values, weights=rows.weight)), draws.sums(rows.weight * values) / mass
    return Quality(
        {name: interval(value, drawn) for name, (value, drawn) in found.items()},
        {name: drawn for name, (_, drawn) in found.items()},
        reliability(rows.taken, probability, rows.weight, seed=seed),
    )


def difference(one: Quality, other: Quality, metric: str) -> Interval:
    """``one`` minus ``other`` with a paired interval: both were judged on the same draws of customers."""
    value = one.metrics[metric].value - other.metrics[metric].value
    return interval(value, one.draws[metric] - other.draws[metric])


def is_better(gap: Interval, metric: str) -> bool | None:
    """From a difference: True where beyond the interval better, False where worse, None where it cannot be told."""
    if not gap.low * gap.high > 0:
        return None
    return (gap.low > 0) == (metric in HIGHER_IS_BETTER)


@dataclass(frozen=True)
class Slice:
    """Part of the judged rows: one offer or one channel."""

    name: str
    rows: int
    taken: int
    mean_predicted: float
    mean_observed: float
    auc: float
    """NaN where all or none were taken."""


def slices(rows: Judged, probability: Floats, by: NDArray[Any]) -> list[Slice]:
    """The quality within each value of ``by`` ``[n]``, the most rows first."""
    names, place, counts = np.unique(by, return_inverse=True, return_counts=True)
    found = []
    for i in np.argsort(-counts, kind="stable"):
        of = place == i
        w, y, p = rows.weight[of], rows.taken[of], probability[of]
        found.append(
            Slice(
                str(names[i]),
                int(of.sum()),
                int(y.sum()),
                float(np.average(p, weights=w)),
                float(np.average(y, weights=w)),
                Ranking(y, p).auc(w),
            )
        )
    return found
