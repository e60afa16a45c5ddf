"""Columns that a part may read beside the features: what follows from these, from the pair, and from another part.

A column goes by its name. What it depends on says how often it has to be computed: once per customer, once per offer,
or once for all customers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import partial

import numpy as np
from numpy.typing import NDArray

from features.errors import ModelError
from features.vector import FEATURES

Matrix = NDArray[np.float32]
Floats = NDArray[np.float64]
Texts = NDArray[np.str_]
PLACES: dict[str, int] = {feature.name: place for place, feature in enumerate(FEATURES)}
HOUR, INCOME = PLACES["moment_hour"], PLACES["profile_income_minor"]
INCENTIVE, MARGIN = PLACES["content_incentive"], PLACES["content_margin"]
WINDOW = PLACES["content_window_days"]


class On(StrEnum):
    """What decides the value."""

    CUSTOMER = "customer"
    """The customer and the moment."""
    OFFER = "offer"
    """The customer and the offer."""
    STILL = "still"
    """The pair alone."""


@dataclass(frozen=True, slots=True, eq=False)
class Told:
    """What columns follow from; arrays that broadcast to ``[n]``."""

    hour: Matrix
    income: Matrix
    incentive: Matrix
    margin: Matrix
    window: Matrix
    """Days in which an acceptance counts."""
    offer: Texts
    category: Texts
    channel: Texts
    organic: Floats | None = None
    """p₀ of the pairs, for columns that ask for it."""

    @staticmethod
    def of(X: Matrix, offer: Texts, category: Texts, channel: Texts, organic: Floats | None = None) -> Told:
        """That of whole vectors ``[n, n_features]`` of pairs, ``[n]`` each."""
        money = X[:, INCENTIVE], X[:, MARGIN]
        return Told(X[:, HOUR], X[:, INCOME], *money, X[:, WINDOW], offer, category, channel, organic)


@dataclass(frozen=True, slots=True)
class Derived:
    """One column that is no feature."""

    name: str
    on: On
    read: Callable[[Told], Floats]
    """float64; what models see is rounded to float32."""


def derived(name: str) -> Derived:
    """The column of that name. Raises ModelError where there is none."""
    head, _, rest = name.partition("=")
    if rest and head in ("offer", "category", "channel"):
        return Derived(name, On.STILL, partial(_is, head, rest))
    if name in TURNS:
        turn, times = TURNS[name]
        return Derived(name, On.CUSTOMER, partial(_turn, turn, times))
    if name == SHARE:
        return Derived(name, On.STILL, _share)
    if name in OF_ORGANIC:
        return Derived(name, On.OFFER, OF_ORGANIC[name])
    head, _, rest = name.partition("@")
    if head == PURSE:
        try:
            return Derived(name, On.OFFER, partial(_purse, float(rest)))
        except ValueError:
            pass
    raise ModelError(f"a part reads {name!r}, which is neither a feature nor a known column: train again")


TURNS: dict[str, tuple[Callable[[Floats], Floats], float]] = {
    "hour:cos": (np.cos, 1.0),
    "hour:sin": (np.sin, 1.0),
    "hour:cos2": (np.cos, 2.0),
    "hour:sin2": (np.sin, 2.0),
}
"""Where the hour stands on a clock of 24 hours, and of 12."""
SHARE = "incentive:share"
"""The incentive as a share of the margin."""
PURSE = "incentive:purse"
"""That share times how far the logarithm of the income lies above its mean, which stands behind an ``@``; what an
incentive does depends on the purse. 0 where no income is told."""
ANYWAY = "organic:logit"
"""p₀ on the logit scale."""
PACE = "organic:pace"
"""The logarithm of purchases per day that p₀ stands for: it says how much is liked, however long the offer's window."""
SHORTEST_DAYS, NEARLY = 1.0 / 24.0, 1e-9
"""Between which windows and probabilities are held for that logarithm."""


def _turn(turn: Callable[[Floats], Floats], times: float, told: Told) -> Floats:
    return turn(np.asarray(told.hour, dtype=np.float64) * (times * 2.0 * np.pi / 24.0))


def _share(told: Told) -> Floats:
    incentive, margin = (np.asarray(each, dtype=np.float64) for each in (told.incentive, told.margin))
    share: Floats = incentive / np.maximum(margin, 1.0)
    return share


def _purse(mean: float, told: Told) -> Floats:
    income = np.asarray(told.income, dtype=np.float64)
    return np.where(np.isnan(income), 0.0, np.log1p(income) - mean) * _share(told)


def _organic(told: Told) -> Floats:
    if told.organic is None:
        raise ModelError("a part reads what happens anyway, which no part predicts: train again")
    return told.organic


def _anyway(told: Told) -> Floats:
    organic = _organic(told)
    logit: Floats = np.log(organic / (1.0 - organic))
    return logit


def _pace(told: Told) -> Floats:
    days = np.maximum(np.asarray(told.window, dtype=np.float64), SHORTEST_DAYS)
    pace: Floats = np.log(-np.log1p(-np.clip(_organic(told), NEARLY, 1.0 - NEARLY)) / days)
    return pace


OF_ORGANIC: dict[str, Callable[[Told], Floats]] = {ANYWAY: _anyway, PACE: _pace}
"""Columns that ask for p₀."""


def _is(what: str, value: str, told: Told) -> Floats:
    return np.asarray(getattr(told, what) == value, dtype=np.float64)
