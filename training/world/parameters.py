"""The numbers of the market. They were fixed before anything learnt from it and are not changed to reach an aim.

Two things were set by looking, with nothing but the truth at hand: the levels marked "published", until e-mails were
opened and clicked about as often as senders report (18.7 % and 1.1 % of those sent), and the spread of tastes, habits
and qualities, until no single offer suited everyone (the best one earns about a fifth of what the oracle does).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

CATEGORIES = ("books", "coffee", "garden", "sports", "wine")
PLACES = ("home", "work", "away")
STAGES = ("idle", "curious", "deciding")


class Inside(StrEnum):
    """How customers work inside. Neither is the family of models that learns from them, and only one is logistic."""

    LOGISTIC = "logistic"
    CROOKED = "crooked"


@dataclass(frozen=True, slots=True)
class Medium:
    """A channel as the market knows it."""

    name: str
    cost_minor: float
    notice: float
    """Level of noticing, in log-odds; published for e-mail."""
    ceiling: float
    """Highest chance of noticing in the crooked market; published for e-mail."""
    persuasion: float
    """What the channel adds to being persuaded, in log-odds."""
    wear: float
    """Share of attention that a contact uses up."""
    peak_hour: float
    """Local hour at which customers most often look at it, in the mean."""
    at_place: tuple[float, float, float]
    """What home, work and away add to noticing, in log-odds."""
    capacity: float
    """Contacts per day, as a share of the customers."""


MEDIA = (
    Medium("email", 0.1, -1.8, 0.86, 0.0, 0.10, 9.0, (0.2, 0.3, -0.5), 1.0),
    Medium("push", 0.05, -1.3, 0.90, -0.1, 0.18, 18.0, (0.1, -0.5, 0.4), 1.0),
    Medium("sms", 6.0, -0.4, 1.20, 0.1, 0.25, 17.0, (0.0, 0.0, 0.2), 0.3),
    Medium("app", 0.02, -1.5, 0.85, 0.2, 0.04, 20.0, (0.4, -0.6, 0.1), 1.0),
)
EMAIL, APP = 0, 3


@dataclass(frozen=True, slots=True)
class Parameters:
    """Everything that is the same for all seeds."""

    inside: Inside
    customers: int = 4_000
    newcomers: float = 0.15
    """Share of customers who join while the market runs."""
    days: int = 100
    offers: int = 16
    new_offer_every_days: int = 15
    visit_chance: tuple[float, float, float] = (0.01, 0.12, 0.25)
    """Chance of a visit per day and category, by stage."""
    cart_chance: float = 0.25
    """Chance that a visit while deciding fills a cart."""
    moves: tuple[tuple[float, float, float], ...] = ((0.955, 0.04, 0.005), (0.15, 0.73, 0.12), (0.10, 0.08, 0.82))
    """Stage tomorrow by stage today, per category, for who has not bought; a purchase leads back to idle."""
    organic_level: float = -5.5
    """Log of purchases per day and category without any contact."""
    organic_taste: float = 0.8
    organic_stage: tuple[float, float, float] = (0.5, 2.0, 6.0)
    """What the stage multiplies purchases by."""
    persuaded_level: float = -5.7
    """Level of being persuaded, in log-odds; published through the clicks."""
    persuaded_ceiling: float = 0.30
    """Highest chance in the crooked market before incentive and stage; published through the clicks."""
    persuaded_stage: tuple[float, float, float] = (0.0, 0.9, 1.3)
    clicked_if_persuaded: float = 0.7
    clicked_otherwise: float = 0.03
    drift: float = 0.3
    """Standard deviation of what a taste moves in 100 days."""
    season: float = 0.35
    """Amplitude of the seasons, in log-purchases."""
    recovery: tuple[float, float] = (0.80, 0.95)
    """Share of the missing attention that is still missing a day later, between customers."""
    optout_rested: float = 0.003
    optout_weary: float = 0.05
    """What missing attention adds to the chance of an opt-out per contact: this, times its square."""
    complaint: float = 0.004
    optout_cost_minor: float = 1_500.0
    """What a customer who can no longer be reached on a channel costs."""
    lift_hours: float = 72.0
    """How long an e-mail makes messages in the app work better."""
    lift: float = 0.5
    clash_hours: float = 24.0
    """How soon a second channel is too soon."""
    clash: float = 0.8
    late_share: float = 0.1
    """Share of purchases that are reported up to two days late."""
    unknown_share: float = 0.25
    """Share of customers without profile."""
    cap_per_week: int = 3
    """Contacts with one customer in any seven days."""
    windows_days: tuple[int, ...] = field(default=(7, 7, 14, 30))
