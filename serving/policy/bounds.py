"""The values that fields of documents may have, beyond their types."""

from __future__ import annotations

from dataclasses import dataclass

from features.domain import Channel, FollowUp, Offer
from serving.policy.persona import Happened
from serving.policy.policy import Budget, Cap, Capacity, Exploration, Kept, Lever, Losses, Policy, Quiet, Rest, Sequence
from serving.policy.window import Window

MOST_DIGITS = 2**53 - 1
"""Whole numbers beyond this one differ between readers of JSON (RFC 8259, section 6)."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """Where a number must lie."""

    least: float | None = None
    most: float | None = None
    above: float | None = None

    def holds(self, number: float) -> bool:
        """True where the number lies within."""
        return (
            (self.least is None or number >= self.least)
            and (self.most is None or number <= self.most)
            and (self.above is None or number > self.above)
        )

    def __str__(self) -> str:
        sides = ((self.least, "at least"), (self.above, "above"), (self.most, "at most"))
        return " and ".join(f"{word} {side:g}" for side, word in sides if side is not None)


ANY = Bounds()
_SHARE = Bounds(0, 1)
_COUNT = Bounds(least=0)
_POSITIVE = Bounds(above=0)
_PRIORITY = Bounds(0, 100)

BOUNDS: dict[tuple[type, str], Bounds] = {
    (Channel, "cost_minor"): _COUNT,
    (Offer, "margin_minor"): _COUNT,
    (Offer, "incentive_minor"): _COUNT,
    (Offer, "min_spend_minor"): _COUNT,
    (Offer, "window_days"): _POSITIVE,
    (Offer, "priority"): _PRIORITY,
    (Offer, "price_minor"): _COUNT,
    (Offer, "stock"): _COUNT,
    (FollowUp, "after_hours"): Bounds(above=0, most=24 * 366),
    (Window, "hours"): Bounds(above=0, most=24 * 366),
    (Cap, "most"): _COUNT,
    (Kept, "share"): _SHARE,
    (Kept, "above_priority"): _PRIORITY,
    (Quiet, "begins_min"): Bounds(0, 1439),
    (Quiet, "ends_min"): Bounds(0, 1439),
    (Quiet, "weekdays"): Bounds(0, 6),
    (Rest, "times"): Bounds(least=1),
    (Rest, "within_days"): _POSITIVE,
    (Rest, "rest_days"): _POSITIVE,
    (Sequence, "within_days"): _POSITIVE,
    (Lever, "weight"): _COUNT,
    (Capacity, "most"): _COUNT,
    (Budget, "most_minor"): _COUNT,
    (Losses, "leaving_minor"): _COUNT,
    (Losses, "complaint_minor"): _COUNT,
    (Exploration, "control"): _SHARE,
    (Exploration, "random"): _SHARE,
    (Exploration, "floor"): _SHARE,
    (Exploration, "best"): Bounds(least=1),
    (Exploration, "per_root"): _COUNT,
    (Exploration, "share"): _SHARE,
    (Policy, "reservation_minutes"): _POSITIVE,
    (Policy, "horizon_hours"): Bounds(0, 168),
    (Policy, "fallback_hour"): Bounds(0, 23),
    (Happened, "days_ago"): _COUNT,
    (Happened, "value_minor"): _COUNT,
}
"""By class and field; of a list, for each of its values. What is not here may be any number."""


def bounds_of(owner: type, name: str) -> Bounds:
    """Where the numbers of a field must lie."""
    return BOUNDS.get((owner, name), ANY)
