"""SCHEMA: what is remembered of a customer, and in which order.

A history is kept as four kinds of memory, each a commutative monoid: decayed sums, latest and earliest instants, and
both of these by key. A memory is declared once here; folding single events, the batch expression, the Feast views and
the stored value all derive from the declaration.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from enum import StrEnum

from features.domain import Kind


class Amount(StrEnum):
    """What one event adds to a sum before decay."""

    ONE = "one"
    VALUE = "value_minor"
    DISCOUNT = "discount_minor"


class Key(StrEnum):
    """What a memory is kept by. NONE keeps one memory for the whole customer."""

    NONE = "none"
    CATEGORY = "category"
    OFFER = "offer_id"
    CHANNEL = "channel"
    HOUR = "hour"
    WEEKDAY = "weekday"


@dataclass(frozen=True, slots=True)
class Measure:
    """Which events count, and how much each adds."""

    name: str
    kinds: frozenset[Kind]
    amount: Amount
    meaning: str


def _measure(name: str, kinds: tuple[Kind, ...], meaning: str, amount: Amount = Amount.ONE) -> Measure:
    return Measure(name, frozenset(kinds), amount, meaning)


CONTACTS = _measure("contacts", (Kind.SENT,), "messages sent to the customer")
NOTICED = _measure("noticed", (Kind.VIEWED, Kind.CLICKED), "messages viewed or clicked")
INTEREST = _measure("interest", (Kind.CLICKED, Kind.VISITED, Kind.CARTED), "clicks, visits and baskets begun")
PURCHASES = _measure("purchases", (Kind.PURCHASED,), "purchases (one per basket and category)")
AMOUNT = _measure("amount", (Kind.PURCHASED,), "money paid, minor units", Amount.VALUE)
DISCOUNT = _measure("discount", (Kind.PURCHASED,), "reductions received, minor units", Amount.DISCOUNT)
REDEMPTIONS = _measure("redemptions", (Kind.REDEEMED,), "offers redeemed or completed")
NEGATIVES = _measure(
    "negatives",
    (Kind.DISMISSED, Kind.RETURNED, Kind.COMPLAINED, Kind.UNSUBSCRIBED, Kind.BOUNCED),
    "dismissals, returns, complaints, opt-outs and bounces",
)
SERVICE = _measure("service", (Kind.CONTACTED_US, Kind.COMPLAINED), "questions and complaints to the service")
BASKETS = _measure("baskets", (Kind.CARTED,), "baskets begun")
COMPLAINTS = _measure("complaints", (Kind.COMPLAINED,), "complaints")
ACTIVE = _measure(
    "active",
    (Kind.VIEWED, Kind.CLICKED, Kind.VISITED, Kind.CARTED, Kind.PURCHASED),
    "signs of attention of any kind",
)


@dataclass(frozen=True, slots=True)
class Sum:
    """A decayed sum: each event adds its amount times 2^(-age / half-life)."""

    measure: Measure
    half_life_days: float

    @property
    def name(self) -> str:
        """For instance ``purchases_30d``."""
        return f"{self.measure.name}_{self.half_life_days:g}d"


@dataclass(frozen=True, slots=True)
class Extreme:
    """The latest (or earliest) instant at which an event of a measure counted."""

    measure: Measure
    earliest: bool = False

    @property
    def name(self) -> str:
        """For instance ``latest_purchases``."""
        return f"{'earliest' if self.earliest else 'latest'}_{self.measure.name}"


@dataclass(frozen=True, slots=True)
class Section:
    """Memories that share a key: ``sums`` in float64, ``extremes`` as int64 instants."""

    name: str
    key: Key
    sums: tuple[Sum, ...]
    extremes: tuple[Extreme, ...]

    def __hash__(self) -> int:
        # Sections are keys of caches on the way of every event; hashing all they are made of took most of its time.
        return hash(self.name)

    @property
    def kinds(self) -> frozenset[Kind]:
        """Every kind of event that leaves a trace in this section."""
        declared = [s.measure for s in self.sums] + [e.measure for e in self.extremes]
        return frozenset[Kind]().union(*(m.kinds for m in declared))


def _sums(*rows: tuple[Measure, tuple[float, ...]]) -> tuple[Sum, ...]:
    return tuple(Sum(measure, half_life) for measure, half_lives in rows for half_life in half_lives)


def _latest(*measures: Measure) -> tuple[Extreme, ...]:
    return tuple(Extreme(measure) for measure in measures)


CUSTOMER = Section(
    "customer",
    Key.NONE,
    _sums(
        (CONTACTS, (1, 7, 30)),
        (NOTICED, (7, 30, 120)),
        (INTEREST, (7, 30, 120)),
        (PURCHASES, (7, 30, 120)),
        (AMOUNT, (7, 30, 120)),
        (DISCOUNT, (30, 120)),
        (REDEMPTIONS, (30, 120, 360)),
        (NEGATIVES, (30, 120)),
        (SERVICE, (7, 30)),
        (ACTIVE, (120,)),
    ),
    (
        *_latest(CONTACTS, NOTICED, INTEREST, PURCHASES, REDEMPTIONS, NEGATIVES, SERVICE, COMPLAINTS),
        Extreme(PURCHASES, earliest=True),
        Extreme(ACTIVE, earliest=True),
    ),
)
BY_CATEGORY = Section(
    "category",
    Key.CATEGORY,
    _sums(
        (INTEREST, (14,)),
        (PURCHASES, (14, 120)),
        (AMOUNT, (120,)),
        (DISCOUNT, (120,)),
        (REDEMPTIONS, (120,)),
        (NOTICED, (60,)),
        (CONTACTS, (60,)),
    ),
    (*_latest(INTEREST, BASKETS, PURCHASES, REDEMPTIONS), Extreme(PURCHASES, earliest=True)),
)
BY_OFFER = Section(
    "offer",
    Key.OFFER,
    _sums((CONTACTS, (60,)), (NOTICED, (60,)), (REDEMPTIONS, (60,)), (NEGATIVES, (60,))),
    _latest(CONTACTS, NOTICED, REDEMPTIONS, NEGATIVES),
)
BY_CHANNEL = Section(
    "channel",
    Key.CHANNEL,
    _sums((CONTACTS, (14, 120)), (NOTICED, (14, 120)), (INTEREST, (14, 120)), (PURCHASES, (120,)), (NEGATIVES, (120,))),
    _latest(CONTACTS, NOTICED, INTEREST),
)
BY_HOUR = Section("hour", Key.HOUR, _sums((ACTIVE, (120,)), (CONTACTS, (120,)), (NOTICED, (120,))), ())
BY_WEEKDAY = Section("weekday", Key.WEEKDAY, _sums((ACTIVE, (120,)), (CONTACTS, (120,)), (NOTICED, (120,))), ())

SCHEMA: tuple[Section, ...] = (CUSTOMER, BY_CATEGORY, BY_OFFER, BY_CHANNEL, BY_HOUR, BY_WEEKDAY)

OFFER_EVIDENCE = Section(
    "evidence",
    Key.NONE,
    _sums((CONTACTS, (180,)), (NOTICED, (180,)), (REDEMPTIONS, (180,)), (PURCHASES, (60,)), (AMOUNT, (60,))),
    _latest(CONTACTS, REDEMPTIONS),
)
EVIDENCE_BY_CHANNEL = Section(
    "evidence_channel",
    Key.CHANNEL,
    _sums((CONTACTS, (180,)), (NOTICED, (180,))),
    (),
)
EVIDENCE_SCHEMA: tuple[Section, ...] = (OFFER_EVIDENCE, EVIDENCE_BY_CHANNEL)
"""What all customers together showed about one offer; ``purchases`` and ``amount`` are of what the offer is for."""


def fingerprint(schema: tuple[Section, ...]) -> str:
    """16 hex digits that change whenever a stored value would be laid out or computed differently."""
    layout = [
        [
            section.name,
            section.key,
            [[s.name, sorted(s.measure.kinds), s.measure.amount] for s in section.sums],
            [[e.name, sorted(e.measure.kinds)] for e in section.extremes],
        ]
        for section in schema
    ]
    return hashlib.sha256(json.dumps(layout).encode()).hexdigest()[:16]
