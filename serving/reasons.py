"""Why an offer is proposed, in plain English, read from the very vector that was scored."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from serving.pairs import Pair

MOST = 4
"""Reasons given for one offer."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One pair and its vector by feature name; unknown values are NaN, which no comparison below holds for."""

    pair: Pair
    vector: Mapping[str, float]

    @property
    def thing(self) -> str | None:
        """What the offer is for, in words; None where any purchase takes it."""
        return _words(self.pair.offer.buys) if self.pair.offer.buys is not None else None


def _bought(seen: Seen) -> str | None:
    v = seen.vector
    if seen.thing is None or not v["category_purchases_120d"] >= 0.5:
        return None
    days = v["category_days_since_latest_purchases"]
    share = v["category_share"]
    often = f", {share:.0%} of all purchases" if share >= 0.01 else ""
    return f"Buys {seen.thing}: last time {_days(days)}{often}."


def _due(seen: Seen) -> str | None:
    v = seen.vector
    due = seen.thing is not None and v["category_due"] >= 0.6 and v["category_purchases_120d"] >= 2
    return f"By the usual rhythm the next purchase of {seen.thing} is due." if due else None


def _looking(seen: Seen) -> str | None:
    looking = seen.thing is not None and seen.vector["category_researching"] >= 0.3
    return f"Looked at {seen.thing} lately without buying it." if looking else None


def _redeemed_here(seen: Seen) -> str | None:
    used = seen.vector["category_redemptions_120d"] >= 0.1
    what = f"for {seen.thing}" if seen.thing is not None else f"of the type {_words(seen.pair.offer.category)}"
    return f"Has used an offer {what} before." if used else None


def _redeems(seen: Seen) -> str | None:
    v = seen.vector
    if not v["customer_redemptions_360d"] >= 0.25:
        return None
    return f"Uses offers: the last one {_days(v['customer_days_since_latest_redemptions'])}."


def _notices(seen: Seen) -> str | None:
    v = seen.vector
    seen_often = v["channel_contacts_120d"] >= 0.5 and v["channel_notice_rate"] >= 0.5
    return f"Notices {v['channel_notice_rate']:.0%} of messages on {seen.pair.channel.name}." if seen_often else None


def _crowd(seen: Seen) -> str | None:
    v = seen.vector
    if v["evidence_offer_contacts"] >= 1:
        return (
            f"Of about {v['evidence_offer_contacts']:.0f} recent contacts with this offer "
            f"{v['evidence_offer_taken_rate']:.1%} were taken, by all customers."
        )
    if v["evidence_category_contacts"] >= 1:
        return (
            f"Never sent as such: judged from about {v['evidence_category_contacts']:.0f} contacts with similar offers."
        )
    return None


def _in_demand(seen: Seen) -> str | None:
    share = seen.vector["evidence_bought_share"]
    some = seen.thing is not None and share >= 0.001
    return f"{share:.1%} of everybody's purchases are of {seen.thing}." if some else None


REASONS: tuple[Callable[[Seen], str | None], ...] = (
    _redeemed_here,
    _bought,
    _due,
    _looking,
    _redeems,
    _notices,
    _crowd,
    _in_demand,
)
"""From the most personal to the most general."""


def reasons(seen: Seen) -> tuple[str, ...]:
    """The first few reasons that hold; one that admits it where none does."""
    found = [sentence for reason in REASONS if (sentence := reason(seen)) is not None]
    return tuple(found[:MOST]) or ("Nothing is known that speaks for or against it: judged from what it offers.",)


def _words(name: str) -> str:
    return name.replace("-", " ").replace("_", " ")


def _days(days: float) -> str:
    if days < 1:
        return "today"
    return "yesterday" if days < 2 else f"{days:.0f} days ago"
