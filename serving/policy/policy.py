"""The policy, as frozen values. Unset is unlimited, 0 is never."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from features.domain import Kind
from serving.policy.selector import Selector
from serving.policy.window import Window


class Per(StrEnum):
    """What a cap counts contacts by."""

    ALL = "all"
    CHANNEL = "channel"
    OFFER = "offer"
    CATEGORY = "category"
    PURPOSE = "purpose"


@dataclass(frozen=True, slots=True)
class Cap:
    """At most so many contacts with one customer in a window."""

    name: str
    per: Per
    most: int
    window: Window
    of: str | None = None
    """The one channel, offer, category or purpose it is about; None: each of them by itself."""


@dataclass(frozen=True, slots=True)
class Kept:
    """Slots of every cap that only messages above a priority may use: ``floor(share × most)`` of them."""

    share: float
    above_priority: int


@dataclass(frozen=True, slots=True)
class Quiet:
    """Hours in which an outbound channel is silent, on the customer's wall clock; they may run past midnight."""

    begins_min: int
    """Minutes after midnight (0–1439), inclusive."""
    ends_min: int
    """Minutes after midnight, exclusive; equal to ``begins_min``: the whole day."""
    channels: tuple[str, ...] = ()
    """Empty: every outbound channel."""
    weekdays: tuple[int, ...] = ()
    """Days on which they begin, Monday is 0; empty: every day."""


class After(StrEnum):
    """What makes an offer rest."""

    IGNORED = "ignored"
    """Sent, and its window passed without a look, a click or a purchase."""
    DECLINED = "declined"
    """Dismissed, on whatever channel."""
    NEGATIVE = "negative"
    """Complained about, unsubscribed from, or given back."""


@dataclass(frozen=True, slots=True)
class Rest:
    """After so many of these, nothing of the same offer, category or channel (or nothing at all) for some days."""

    name: str
    after: After
    times: int
    within_days: float
    rest_days: float
    per: Per = Per.OFFER


@dataclass(frozen=True, slots=True)
class Sequence:
    """Never this after that, or only after that. Exactly one of ``event`` and ``while_open`` is set."""

    name: str
    stops: Selector
    """What is stopped."""
    event: Kind | None = None
    """What must have happened to the customer in the last days for it to be stopped."""
    of_offer: str | None = None
    of_category: str | None = None
    within_days: float | None = None
    """None: ever."""
    while_open: str | None = None
    """An open topic that stops it, such as ``complaint``."""
    only_after: bool = False
    """True turns it round: what is selected is stopped until the event has happened."""


@dataclass(frozen=True, slots=True)
class Requirement:
    """A predicate that must hold for what is selected to be offered."""

    name: str
    meaning: str
    needs: str
    """Expression over profile, features, context and offer."""
    about: Selector = field(default_factory=Selector)


@dataclass(frozen=True, slots=True)
class Lever:
    """Money that is added to the score, and a weight on its positive part, of what is selected."""

    name: str
    about: Selector
    money_minor: float = 0.0
    weight: float = 1.0
    """Context weight, not negative."""
    when: str = ""
    """Expression over the context; empty: always."""


@dataclass(frozen=True, slots=True)
class Capacity:
    """Contacts that a channel can make in all, over all customers."""

    name: str
    channel: str
    most: int
    window: Window | None = None
    """A stretch of the calendar, in UTC; None: once and for all."""


@dataclass(frozen=True, slots=True)
class Budget:
    """Money for incentives and contacts of what is selected, minor units, in all or per stretch of the calendar."""

    name: str
    about: Selector
    most_minor: float
    window: Window | None = None
    """UTC; None: once and for all."""


@dataclass(frozen=True, slots=True)
class Losses:
    """What it costs when a contact is answered by leaving or complaining, minor units.

    Its probability, learnt from the answers so far, times this is charged on every contact.
    """

    leaving_minor: float | None = None
    """When a customer leaves a channel; None: what contacts there are yet expected to earn, once that is learnt."""
    complaint_minor: float = 0.0


@dataclass(frozen=True, slots=True)
class Exploration:
    """How choices are drawn; all 0 takes the best and logs probability 1."""

    control: float = 0.0
    """Share of customers to whom nothing is said, a lasting group."""
    random: float = 0.0
    """Share of decisions that choose evenly among what is allowed."""
    floor: float = 0.0
    """Probability spread evenly over all that is allowed."""
    best: int = 10
    """How many of the best are weighted by their gap."""
    per_root: float = 0.0
    """How γ grows with the square root of the number of decisions; 0 takes the best over the floor."""
    share: float = 0.02
    """Share of the day's modelled value that exploration may give up."""


@dataclass(frozen=True, slots=True)
class Policy:
    """Everything that marketers decide beside the offers."""

    fingerprint: str = field(default="", metadata={"written": False})
    """Digest of the document."""
    closed_channels: tuple[str, ...] = ()
    caps: tuple[Cap, ...] = ()
    kept: Kept | None = None
    quiet: tuple[Quiet, ...] = ()
    rests: tuple[Rest, ...] = (Rest("declined", After.DECLINED, 1, 30, 30), Rest("negative", After.NEGATIVE, 1, 30, 30))
    sequences: tuple[Sequence, ...] = (
        Sequence("complaint_open", Selector(purpose="marketing"), while_open="complaint"),
    )
    requirements: tuple[Requirement, ...] = ()
    levers: tuple[Lever, ...] = ()
    capacities: tuple[Capacity, ...] = ()
    budgets: tuple[Budget, ...] = ()
    losses: Losses = Losses()
    exploration: Exploration = Exploration()
    count_transactional: bool = True
    """Transactional and mandatory messages are never capped; this says whether they use up slots of others."""
    reservation_minutes: float = 60.0
    """After which an unconfirmed reservation expires; it begins at the reserved moment where that lies ahead."""
    horizon_hours: int = 24
    """Hours ahead in which a moment is looked for; 0: now or never."""
    fallback_hour: int = 10
    """Hour of the customer's day at which outbound messages go where nothing better is known."""
    neutral_title: str = ""
    """What the e-mail call answers where nothing may be offered."""
    neutral_body: str = ""


DEFAULT = Policy()
"""The policy in force where no document says otherwise."""
