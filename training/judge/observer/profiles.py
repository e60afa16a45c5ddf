"""What profiles tell of the factors behind tastes: weighted draws, by the laws with which profiles are written."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy.stats import norm

from training.world.people import FACTORS, Floats

AGE_NOISE, INCOME_NOISE, GENDER_NOISE = 4.0 / 13.0, 0.2 / 0.3, 0.7
"""Of what is told of each factor, in standard deviations of the factor."""


@dataclass(frozen=True, slots=True, eq=False)
class Draws:
    """Of every customer's factors."""

    factors: Floats
    """``[n, draws, 3]``."""
    weight: Floats
    """``[n, draws]``, adding up to 1."""


def draws(customers: pa.Table, number: int, rng: np.random.Generator) -> Draws:
    """Factors of customers given what their profiles say, and of anybody where nothing is told."""
    age, income, home = (_numbers(customers[name]) for name in ("age_years", "income_minor", "home_owner"))
    female = np.array([{"f": 1.0, "m": -1.0}.get(word, np.nan) for word in customers["gender"].to_pylist()])
    factors = rng.normal(size=(len(age), number, FACTORS))
    told = ((age - 45.0) / 13.0, AGE_NOISE), ((np.log(income) - 15.2) / 0.3, INCOME_NOISE)
    for place, (mean, noise) in enumerate(told):
        factors[:, :, place] = _given(factors[:, :, place], mean, noise)
    owns = 0.3 + 0.4 * (factors[:, :, 1] > 0)
    as_told = np.where(home[:, None] > 0, owns, 1.0 - owns) * norm.cdf(
        female[:, None] * factors[:, :, 2] / GENDER_NOISE
    )
    weight = np.where(np.isnan(female)[:, None], 1.0, as_told)
    return Draws(factors, weight / weight.sum(axis=1, keepdims=True))


def _given(standard: Floats, told: Floats, noise: float) -> Floats:
    """Standard normal draws ``[n, draws]`` made those of a factor that was told with normal noise."""
    kept = 1.0 / (1.0 + noise**2)
    found: Floats = np.where(
        np.isnan(told)[:, None], standard, (kept * told)[:, None] + standard * noise * np.sqrt(kept)
    )
    return found


def _numbers(column: pa.ChunkedArray) -> NDArray[np.float64]:
    return np.array([np.nan if value is None else float(value) for value in column.to_pylist()])
