"""How often a customer was spoken to in a window, and at which moments one contact more would be too many."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from features.domain import DAY, HOUR, Instant
from features.moment import offset_min
from serving.ledger.contact import Contact, Standing
from serving.pairs import Pair
from serving.policy.policy import Cap, Kept, Per, Policy
from serving.policy.window import Unit, Window

_MINUTE_US = 60_000_000
_MINUTES_PER_DAY = 1_440
_EPOCH_WEEKDAY = 3
"""1970-01-01 was a Thursday, and a week begins on Monday."""
LEAST_DAYS = 62
EVERYTHING = ""
"""The subject of a cap on all contacts."""


def blocked(
    cap: Cap,
    subject: str,
    contacts: Iterable[Contact],
    moments: NDArray[np.int64],
    zone: str,
    kept_slots: int = 0,
) -> NDArray[np.bool_]:
    """At which moments another contact with this subject would break the cap, bool ``[n_moments]``.

    Args:
        subject: What the contact is to the cap, see ``subject_of``: a channel, an offer, a category, a purpose.
        contacts: Those that count, see ``holding``, whenever they are; also those ahead.
        moments: Microseconds UTC.
        zone: The customer's IANA zone, for stretches of the calendar.
        kept_slots: Of the cap's slots, those that are not for this contact.
    """
    if cap.of not in (None, subject):
        return np.zeros(len(moments), dtype=np.bool_)
    times = [contact.moment for contact in contacts if subject in subjects(cap.per, contact)]
    return full(cap.window, cap.most - kept_slots, times, moments, zone)


def full(window: Window, free: int, times: Sequence[int], moments: NDArray[np.int64], zone: str) -> NDArray[np.bool_]:
    """At which moments one more would make more than ``free`` in a window, bool ``[n_moments]``.

    Of a length in hours, every window that holds the moment is looked at: those that begin before it and those that
    run on after it. Such a window is half-open, so contacts exactly its length apart are never in one.
    """
    if free <= 0:
        return np.ones(len(moments), dtype=np.bool_)
    if len(times) < free:
        return np.zeros(len(moments), dtype=np.bool_)
    if window.calendar is not None:
        held = stretch(window.calendar, np.array(times, dtype=np.int64), zone)
        count = (stretch(window.calendar, moments, zone)[:, None] == held).sum(axis=1)
    else:
        count = _most_around(np.sort(np.array(times, dtype=np.int64)), moments, length_us(window))
    found: NDArray[np.bool_] = count >= free
    return found


def _most_around(times: NDArray[np.int64], moments: NDArray[np.int64], length: int) -> NDArray[np.int64]:
    """The most of the sorted times that share a window with each moment.

    A fullest window begins at one of the times or at the moment: moved on to the next of them it loses nothing.
    """
    since = np.searchsorted(times, times + length, side="left") - np.searchsorted(times, times, side="left")
    begun = (times <= moments[:, None]) & (times > moments[:, None] - length)
    before = np.where(begun, since, 0).max(axis=1, initial=0)
    after = np.searchsorted(times, moments + length, side="left") - np.searchsorted(times, moments, side="left")
    found: NDArray[np.int64] = np.maximum(before, after)
    return found


def length_us(window: Window) -> int:
    """The length of a window in microseconds; that of the longest stretch where it is one of the calendar."""
    if window.hours is not None:
        return round(window.hours * HOUR)
    # A day may have 25 hours, and with it every longer stretch.
    return {Unit.DAY: 25, Unit.WEEK: 7 * 24 + 1, Unit.MONTH: 31 * 24 + 1}[window.calendar or Unit.MONTH] * HOUR


def since(policy: Policy, at: Instant) -> Instant:
    """The earliest contact that can matter to a decision."""
    return Instant(at - reach_us(policy))


def reach_us(policy: Policy) -> int:
    """How far back a contact can matter, microseconds: two months, more where a cap or rest looks further."""
    caps = [length_us(cap.window) for cap in policy.caps]
    rests = [round((rest.within_days + rest.rest_days) * DAY) for rest in policy.rests]
    return max([LEAST_DAYS * DAY, *caps, *rests])


def stretch(unit: Unit, instants: NDArray[np.int64], zone: str) -> NDArray[np.int64]:
    """A number for the day, week or month of each instant on the zone's wall clock; later ones have higher numbers."""
    minutes = np.array([us // _MINUTE_US + offset_min(zone, Instant(us)) for us in instants.tolist()], dtype=np.int64)
    return stretch_of(unit, minutes // _MINUTES_PER_DAY)


def stretch_of(unit: Unit, days: NDArray[np.int64]) -> NDArray[np.int64]:
    """The same for days since 1970-01-01 on a wall clock."""
    if unit is Unit.DAY:
        return days
    if unit is Unit.WEEK:
        return (days + _EPOCH_WEEKDAY) // 7
    return days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)


def subjects(per: Per, contact: Contact) -> tuple[str, ...]:
    """What a contact is counted as."""
    if per is Per.ALL:
        return (EVERYTHING,)
    if per is Per.CHANNEL:
        return (contact.channel,)
    return {Per.OFFER: contact.offers, Per.CATEGORY: contact.categories, Per.PURPOSE: contact.purposes}[per]


def subject_of(per: Per, pair: Pair) -> str:
    """What an offer on a channel would be counted as."""
    offer = pair.offer
    return {
        Per.ALL: EVERYTHING,
        Per.CHANNEL: pair.channel.name,
        Per.OFFER: offer.offer_id,
        Per.CATEGORY: offer.category,
        Per.PURPOSE: offer.purpose,
    }[per]


def kept_slots(kept: Kept | None, cap: Cap, priority: int) -> int:
    """How many slots of a cap are not for a message of this priority."""
    return 0 if kept is None or priority > kept.above_priority else math.floor(kept.share * cap.most)


def holding(contacts: Iterable[Contact], at: Instant, priority: int) -> list[Contact]:
    """The contacts that hold their slots against a message of this priority: what counts, without what it displaces."""
    return [contact for contact in contacts if contact.counts_at(at) and not displaceable(contact, priority)]


def displaceable(contact: Contact, priority: int) -> bool:
    """True for a reservation that a message of this priority may take the place of."""
    return contact.standing is Standing.RESERVED and contact.priority < priority
