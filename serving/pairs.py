"""Offers paired with channels, and everything that features read of them for one customer at one instant."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import cache
from math import exp2
from typing import overload

import numpy as np
from numpy.typing import NDArray

from features.catalogue import Catalogue
from features.content import content
from features.domain import Channel, Event, Instant, Offer
from features.evidence import Pooled
from features.feature import Group
from features.intent import Intent
from features.moment import hour_key, moment, weekday_key
from features.past import Past, past, rows_of
from features.quick import quick
from features.rows import PROFILE_VALUES, Content, Evidence, Moment, Profile, Rows
from features.schema import BY_CATEGORY, BY_CHANNEL, BY_HOUR, BY_OFFER, BY_WEEKDAY, CUSTOMER, SCHEMA, Section
from features.state import NEVER, Memory, State, empty, half_lives_us, unset
from features.vector import COLUMNS, FEATURES, matrix
from serving.consent import Consent, Topic

NAMES: tuple[str, ...] = tuple(feature.name for feature in FEATURES)
"""Columns of every vector that is computed and recorded; a model picks its own among them."""


@dataclass(frozen=True, slots=True)
class Pair:
    """One offer on one channel."""

    offer: Offer
    channel: Channel


@quick(frozen=True, slots=True)
class Known:
    """What is known of one customer as of ``at``."""

    at: Instant
    activity: State | None
    """None for a customer of whom no event is known."""
    profile: Profile
    zone: str
    """IANA time zone."""
    consents: Mapping[Topic, Consent] = field(default_factory=dict)
    """What the customer allowed and objected to."""
    intents: tuple[Intent, ...] = ()
    """What the customer has begun and not finished, strongest first."""
    events: tuple[Event, ...] | None = None
    """What happened lately, as far as the rules of the policy ask; None where it was not read: then only the state
    tells."""
    packed: bytes | None = None
    """The activity as it is stored, where it was read from there."""


class _Some(Sequence[Pair]):
    """Some of all pairs."""

    __slots__ = ("_pairs", "_rows")

    def __init__(self, pairs: Sequence[Pair], rows: NDArray[np.intp]) -> None:
        self._pairs, self._rows = pairs, rows

    @overload
    def __getitem__(self, index: int) -> Pair: ...
    @overload
    def __getitem__(self, index: slice) -> _Some: ...
    def __getitem__(self, index: int | slice) -> Pair | _Some:
        return _Some(self._pairs, self._rows[index]) if isinstance(index, slice) else self._pairs[self._rows[index]]

    def __iter__(self) -> Iterator[Pair]:
        return map(self._pairs.__getitem__, self._rows.tolist())

    def __len__(self) -> int:
        return len(self._rows)


def some(pairs: Sequence[Pair], rows: NDArray[np.intp]) -> Sequence[Pair]:
    """The pairs in these rows, ascending and each once, without a copy."""
    return pairs if len(rows) == len(pairs) else _Some(pairs, rows)


UNKNOWN_ZONE = "UTC"


def stranger(at: Instant) -> Known:
    """A customer of whom nothing is known."""
    return Known(at, None, _untold(), UNKNOWN_ZONE)


@cache
def _untold() -> Profile:
    found = Profile(np.full(len(PROFILE_VALUES), np.nan), np.array(NEVER, dtype=np.int64))
    found.values.setflags(write=False)
    return found


def pairs_of(catalogue: Catalogue) -> tuple[Pair, ...]:
    """Every offer on every channel that can carry it, in the catalogue's order."""
    return tuple(Pair(offer, catalogue.channel[name]) for offer in catalogue.offers for name in offer.channels)


def vectors(known: Known, pairs: Sequence[Pair], evidence: Pooled) -> NDArray[np.float32]:
    """What the models see of the pairs, float32 ``[n_pairs, n_features]``, NaN where a value is unknown."""
    return matrix(rows(known, pairs, evidence), len(pairs), NAMES)


def rows(known: Known, pairs: Sequence[Pair], evidence: Pooled) -> Rows:
    """The inputs of every feature: the customer's without a leading axis, the pairs' ``[n_pairs]``."""
    state = known.activity or empty()
    when = moment_of(known)
    offers = [pair.offer for pair in pairs]
    channels = [pair.channel for pair in pairs]
    touched = memory_of(state, BY_CATEGORY)
    return Rows(
        at=np.array(known.at, dtype=np.int64),
        customer=customer_past(state, known.at),
        categories_known=np.array(float(len(touched.keys))),
        profile=known.profile,
        category=keyed(state, BY_CATEGORY, [offer.buys or offer.category for offer in offers], known.at),
        offer=keyed(state, BY_OFFER, [offer.offer_id for offer in offers], known.at),
        channel=keyed(state, BY_CHANNEL, [channel.name for channel in channels], known.at),
        hour=first(keyed(state, BY_HOUR, [hour_key(float(when.hour))], known.at)),
        weekday=first(keyed(state, BY_WEEKDAY, [weekday_key(float(when.weekday))], known.at)),
        moment=when,
        content=content(offers, channels),
        evidence=evidence.rows([offer.offer_id for offer in offers], [channel.name for channel in channels]),
    )


def moment_vectors(known: Known, hours: NDArray[np.int64], weekdays: NDArray[np.int64]) -> NDArray[np.float32]:
    """What the models would see of other moments, float32 ``[n_moments, n]``: the features of group MOMENT."""
    state = known.activity or empty()
    customer = customer_past(state, known.at)
    found = Rows(
        at=np.array(known.at, dtype=np.int64),
        customer=customer,
        categories_known=_NONE,
        profile=known.profile,
        category=customer,  # no feature of a moment reads what belongs to a pair
        offer=customer,
        channel=customer,
        hour=keyed(state, BY_HOUR, [hour_key(hour) for hour in hours.tolist()], known.at),
        weekday=keyed(state, BY_WEEKDAY, [weekday_key(day) for day in weekdays.tolist()], known.at),
        moment=Moment(hours.astype(np.float64), weekdays.astype(np.float64)),
        content=Content(*[_NONE] * len(fields(Content))),
        evidence=Evidence(*[_NONE] * len(fields(Evidence))),
    )
    return matrix(found, len(hours), NAMES[COLUMNS[Group.MOMENT].place])


_NONE = np.zeros(0)


def customer_past(state: State, at: Instant) -> Past:
    """What the customer did over all, seen from an instant; no leading axis."""
    memory = memory_of(state, CUSTOMER)
    sums = memory.sums[0] if memory.keys else np.zeros(len(CUSTOMER.sums))
    instants = memory.instants[0] if memory.keys else unset(CUSTOMER)
    return past(CUSTOMER, sums, instants, state.reference, at)


def remembered(state: State, name: str, at: Instant) -> float:
    """One decayed sum of what the customer did over all, seen from an instant."""
    memory = memory_of(state, CUSTOMER)
    if not memory.keys:
        return 0.0
    place, life_us = _sum(name)
    return float(memory.sums[0, place]) * exp2(-max(at - state.reference, 0) / life_us)


@cache
def _sum(name: str) -> tuple[int, float]:
    place = [each.name for each in CUSTOMER.sums].index(name)
    return place, float(half_lives_us(CUSTOMER)[place])


def memory_of(state: State, section: Section) -> Memory:
    """The memory that a customer's state holds for a section of SCHEMA."""
    return state.memories[_SECTIONS[section.name]]


_SECTIONS = {section.name: number for number, section in enumerate(SCHEMA)}


def keyed(state: State, section: Section, keys: Sequence[str], at: Instant) -> Past:
    """What the customer did with each of these keys, seen from an instant; ``[len(keys)]``."""
    return past(section, *rows_of(section, memory_of(state, section), keys), state.reference, at)


def first(slot: Past) -> Past:
    """The first key alone, without a leading axis."""
    return Past(slot.section, slot.sums[0], slot.days[0])


def moment_of(known: Known) -> Moment:
    """The hour and weekday of the instant on the customer's wall clock; no leading axis."""
    here = moment([known.zone], np.array([known.at], dtype=np.int64))
    return Moment(here.hour[0], here.weekday[0])
