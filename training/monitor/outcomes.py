"""What came of offers that were made, beside what was predicted of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np

from features.domain import DecisionId, Kind, Offer, OfferId, Response
from serving.attribution import Came
from training.monitor.window import Made

MOST = 3_000
"""Offers of a window whose outcomes are looked up; of more, so many are drawn evenly."""
Z = 3.29
"""Standard errors beyond which a difference is no chance (999 of 1,000)."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One offer with its outcome."""

    made: Made
    taken: bool


@dataclass(frozen=True, slots=True)
class Calibration:
    """Outcomes of some offers beside the predicted ones."""

    rows: int
    predicted: float
    """Sum of the probabilities."""
    taken: int
    z: float
    """How many standard errors the outcomes are from what was predicted."""

    @property
    def ratio(self) -> float | None:
        """Seen per predicted; None where nothing was predicted."""
        return self.taken / self.predicted if self.predicted > 0 else None


def outcomes(
    made: Sequence[Made],
    offers: Mapping[OfferId, Offer],
    came_of: Callable[[DecisionId], list[Came]],
    seed: int,
) -> list[Seen]:
    """The outcomes of these offers by the service's own attribution."""
    if len(made) > MOST:
        chosen = np.sort(np.random.default_rng(seed).choice(len(made), MOST, replace=False))
        made = [made[place] for place in chosen.tolist()]
    came: dict[str, list[Came]] = {}
    for each in made:
        if each.decision_id not in came:
            came[each.decision_id] = came_of(DecisionId(each.decision_id))
    return [Seen(each, _taken(each, offers[OfferId(each.offer_id)], came[each.decision_id])) for each in made]


def _taken(made: Made, offer: Offer, came: Iterable[Came]) -> bool:
    for each in came:
        event = each.event
        mine = event.offer_id == made.offer_id
        if each.attributed and event.kind == Kind.REDEEMED and mine:
            return True
        bought = event.kind == Kind.PURCHASED and (mine or (event.offer_id is None and event.category == offer.buys))
        if each.attributed and bought and (mine or offer.response is Response.PURCHASE):
            return True
    return False


def calibration(seen: Iterable[Seen]) -> Calibration:
    """Of these offers; outcomes of different offers count as independent."""
    rows = list(seen)
    predicted = [each.made.predicted for each in rows]
    taken = sum(each.taken for each in rows)
    deviation = sqrt(sum(p * (1.0 - p) for p in predicted))
    return Calibration(len(rows), sum(predicted), taken, (taken - sum(predicted)) / deviation if deviation > 0 else 0.0)


def changed(before: Calibration, now: Calibration) -> float:
    """How many standard errors two rates of outcomes are apart; 0 where either has no rows."""
    if not before.rows or not now.rows:
        return 0.0
    rate = (before.taken + now.taken) / (before.rows + now.rows)
    deviation = sqrt(rate * (1.0 - rate) * (1.0 / before.rows + 1.0 / now.rows))
    return (now.taken / now.rows - before.taken / before.rows) / deviation if deviation > 0 else 0.0
