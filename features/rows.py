"""Everything that features read of a batch of (customer, offer, channel, instant), as arrays that broadcast together.

In serving the customer's part has no leading axis and the pair's part has one; in training both have one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from features.domain import DAY
from features.past import Past
from features.quick import quick
from features.state import NEVER, Floats, Instants

PROFILE_VALUES = ("age_years", "income_minor", "household_size", "children", "gender", "home_owner")
"""Profile values in stored order; gender is 0 female, 1 male, 2 other; home_owner 0 or 1; NaN where unknown."""
GENDERS = ("f", "m", "o")


@quick(frozen=True, slots=True)
class Profile:
    """What the customer told: float64 ``[..., n_profile]`` and the instant of joining, ``NEVER`` where unknown."""

    values: Floats
    member_since: Instants

    def value(self, name: str) -> Floats:
        """One profile value, NaN where unknown; ``[...]``."""
        return self.values[..., PROFILE_VALUES.index(name)]

    def tenure_days(self, at: Instants) -> Floats:
        """Days since joining, NaN where unknown; ``[...]``."""
        known = self.member_since != NEVER
        return np.where(known, np.maximum(at - np.where(known, self.member_since, at), 0) / DAY, np.nan)


@dataclass(frozen=True, slots=True)
class Content:
    """What the offer and its channel are, each float64 ``[...]``; money in minor units."""

    margin: Floats
    incentive: Floats
    min_spend: Floats
    window_days: Floats
    channels: Floats
    automatic: Floats
    redemption: Floats
    channel_cost: Floats
    channel_inbound: Floats
    channel_broadcast: Floats
    channel_addressable: Floats


@dataclass(frozen=True, slots=True)
class Evidence:
    """Shrunken population rates as of the instant, each float64 ``[...]``, with the contacts they rest on."""

    offer_contacts: Floats
    offer_taken_rate: Floats
    offer_noticed_rate: Floats
    category_contacts: Floats
    category_taken_rate: Floats
    kind_taken_rate: Floats
    channel_contacts: Floats
    channel_noticed_rate: Floats
    bought_share: Floats
    """Share of all purchases that were of what the offer is for."""


@dataclass(frozen=True, slots=True)
class Moment:
    """The hour (0 to 23) and weekday (Monday 0) of the contact on the customer's wall clock; ``[...]``."""

    hour: Floats
    weekday: Floats


@dataclass(frozen=True, slots=True)
class Rows:
    """The inputs of every feature. ``categories_known`` is the number of categories the customer ever touched."""

    at: Instants
    customer: Past
    categories_known: Floats
    profile: Profile
    category: Past
    offer: Past
    channel: Past
    hour: Past
    weekday: Past
    moment: Moment
    content: Content
    evidence: Evidence
