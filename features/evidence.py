"""What all customers together showed of each offer, shrunk where there is little of it: never zero, always counted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.domain import ChannelName, Instant, Offer, OfferId
from features.past import Past, past, rows_of
from features.rows import Evidence
from features.schema import EVIDENCE_BY_CHANNEL, OFFER_EVIDENCE
from features.state import Floats, State, unset

MARKET = OfferId("*")
"""The stored entity that remembers all purchases, whatever they were for."""
PRIOR_CONTACTS = 50.0
"""Contacts that a category is shrunk to its kind with, and an offer to its category (Beta prior's strength)."""
FIRST_TAKEN, FIRST_CONTACTS = 1.0, 20.0
"""What is assumed of a kind of offer, or of a channel, before anything is known: one in twenty."""


@dataclass(frozen=True, slots=True)
class Pooled:
    """Shrunken rates at one instant: per offer ``[n_offers]`` and per channel ``[n_channels]``."""

    offers: dict[OfferId, int]
    channels: dict[ChannelName, int]
    by_offer: dict[str, Floats]
    by_channel: dict[str, Floats]

    def rows(self, offer_ids: Sequence[OfferId], channels: Sequence[ChannelName]) -> Evidence:
        """The evidence of these (offer, channel) pairs, each value ``[n_pairs]``.

        Raises:
            KeyError: An offer or channel outside the catalogue.
        """
        o = np.array([self.offers[i] for i in offer_ids], dtype=np.intp)
        c = np.array([self.channels[i] for i in channels], dtype=np.intp)
        return Evidence(
            **{name: values[o] for name, values in self.by_offer.items()},
            **{name: values[c] for name, values in self.by_channel.items()},
        )


def pool(
    offers: Sequence[Offer],
    channels: Sequence[ChannelName],
    states: Mapping[OfferId, State],
    at: Instant,
) -> Pooled:
    """Rates of every offer and channel of the catalogue as of an instant.

    An offer's rate is shrunk to that of its category within its kind, the category's to the kind's, so a new offer
    starts where similar ones stand. ``states`` may lack offers: nothing is known of those.
    """
    own = _dense([states.get(o.offer_id) for o in offers], at)
    market = _dense([states.get(MARKET)], at)
    return pool_of(offers, channels, own, market.sum("purchases_60d")[0], *_by_channel(channels, states, at))


def pool_of(
    offers: Sequence[Offer],
    channels: Sequence[ChannelName],
    own: Past,
    all_purchases: float,
    channel_contacts: Floats,
    channel_noticed: Floats,
) -> Pooled:
    """Like ``pool``, from arrays.

    Args:
        offers: The offers of the catalogue.
        channels: Its channels.
        own: What was shown of each offer, aged to one instant, ``[n_offers]``.
        all_purchases: Purchases of anything, aged likewise, half-life 60 days.
        channel_contacts: Contacts per channel over all offers, aged likewise, ``[n_channels]``.
        channel_noticed: Those noticed, ``[n_channels]``.
    """
    contacts, taken, noticed = own.sum("contacts_180d"), own.sum("redemptions_180d"), own.sum("noticed_180d")
    kinds, categories = _group([o.kind for o in offers]), _group([(o.kind, o.category) for o in offers])
    kind_rate = _shrunk(_total(taken, kinds), _total(contacts, kinds), FIRST_TAKEN / FIRST_CONTACTS, FIRST_CONTACTS)
    category_contacts = _total(contacts, categories)
    category_rate = _shrunk(_total(taken, categories), category_contacts, kind_rate, PRIOR_CONTACTS)
    everything = _shrunk(noticed.sum(), contacts.sum(), FIRST_TAKEN / FIRST_CONTACTS, FIRST_CONTACTS)
    bought = own.sum("purchases_60d")
    return Pooled(
        {o.offer_id: i for i, o in enumerate(offers)},
        {c: i for i, c in enumerate(channels)},
        {
            "offer_contacts": contacts,
            "offer_taken_rate": _shrunk(taken, contacts, category_rate, PRIOR_CONTACTS),
            "offer_noticed_rate": _shrunk(noticed, contacts, everything, PRIOR_CONTACTS),
            "category_contacts": category_contacts,
            "category_taken_rate": category_rate,
            "kind_taken_rate": kind_rate,
            "bought_share": bought / all_purchases if all_purchases > 0 else np.full(len(offers), np.nan),
        },
        {
            "channel_contacts": channel_contacts,
            "channel_noticed_rate": _shrunk(channel_noticed, channel_contacts, everything, FIRST_CONTACTS),
        },
    )


def _dense(states: Sequence[State | None], at: Instant) -> Past:
    known = [s.memories[0] if s is not None and s.memories[0].keys else None for s in states]
    width = len(OFFER_EVIDENCE.sums)
    sums = np.array([m.sums[0] if m else np.zeros(width) for m in known]).reshape(len(states), width)
    instants = np.array([m.instants[0] if m else unset(OFFER_EVIDENCE) for m in known], dtype=np.int64)
    references = np.array([s.reference if s is not None else at for s in states], dtype=np.int64)
    return past(OFFER_EVIDENCE, sums, instants.reshape(len(states), len(OFFER_EVIDENCE.extremes)), references, at)


def _by_channel(channels: Sequence[ChannelName], states: Mapping[OfferId, State], at: Instant) -> tuple[Floats, Floats]:
    """Contacts and those noticed per channel, over all offers, ``[n_channels]`` each."""
    contacts, noticed = np.zeros(len(channels)), np.zeros(len(channels))
    for offer_id, state in states.items():
        if offer_id != MARKET:
            seen = past(
                EVIDENCE_BY_CHANNEL, *rows_of(EVIDENCE_BY_CHANNEL, state.memories[1], channels), state.reference, at
            )
            contacts += seen.sum("contacts_180d")
            noticed += seen.sum("noticed_180d")
    return contacts, noticed


def _group(labels: Sequence[Any]) -> NDArray[np.intp]:
    place = {label: i for i, label in enumerate(dict.fromkeys(labels))}
    return np.array([place[label] for label in labels], dtype=np.intp)


def _total(values: Floats, group: NDArray[np.intp]) -> Floats:
    """The sum over each value's group, ``[n]``."""
    if not len(values):
        return values
    totals: Floats = np.bincount(group, weights=values, minlength=len(values)).astype(np.float64)
    return totals[group]


def _shrunk(successes: Any, trials: Any, prior_rate: Any, strength: float) -> Floats:
    return np.asarray((successes + strength * prior_rate) / (trials + strength), dtype=np.float64)
