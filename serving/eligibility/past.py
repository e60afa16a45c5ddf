"""What happened to the customer, as far as rests and sequences ask: from the events that were read, the contacts of the
ledger, and what the state remembers of times before."""

from __future__ import annotations

from collections.abc import Iterator

from features.domain import Category, ChannelName, Instant, Kind, OfferId
from features.quick import quick
from features.schema import BY_CATEGORY, BY_OFFER, CUSTOMER, Section
from features.state import NEVER
from serving.eligibility.shelf import Shelf
from serving.eligibility.situation import Situation
from serving.ledger.contact import Standing
from serving.pairs import memory_of


@quick(frozen=True, slots=True)
class Happening:
    """One thing that happened. What is None is not known."""

    kind: Kind
    at: Instant
    offer_id: OfferId | None
    category: Category | None
    channel: ChannelName | None


_REMEMBERED: tuple[tuple[Section, str, Kind], ...] = (
    (CUSTOMER, "latest_contacts", Kind.SENT),
    (CUSTOMER, "latest_purchases", Kind.PURCHASED),
    (CUSTOMER, "latest_redemptions", Kind.REDEEMED),
    (CUSTOMER, "latest_complaints", Kind.COMPLAINED),
    (BY_CATEGORY, "latest_baskets", Kind.CARTED),
    (BY_CATEGORY, "latest_purchases", Kind.PURCHASED),
    (BY_CATEGORY, "latest_redemptions", Kind.REDEEMED),
    (BY_OFFER, "latest_contacts", Kind.SENT),
    (BY_OFFER, "latest_redemptions", Kind.REDEEMED),
)
"""Memories that hold the latest of exactly one kind."""
_PLACES = tuple(
    (section, [extreme.name for extreme in section.extremes].index(name), kind) for section, name, kind in _REMEMBERED
)


def happenings(situation: Situation, kinds: frozenset[Kind]) -> Iterator[Happening]:
    """What was read of these kinds, in no order; a message that the ledger confirmed counts as sent at its moment."""
    for event in situation.known.events or ():
        if event.kind in kinds and event.counts_at <= situation.at:
            yield Happening(event.kind, event.counts_at, event.offer_id, event.category, event.channel)
    if Kind.SENT in kinds:
        yield from _confirmed(situation)


def _confirmed(situation: Situation) -> Iterator[Happening]:
    reported = {
        (event.decision_id, event.offer_id) for event in situation.known.events or () if event.kind is Kind.SENT
    }
    for contact in situation.ledger.contacts:
        if contact.standing is not Standing.CONFIRMED or contact.moment > situation.at:
            continue
        for offer_id in contact.offers:
            if contact.decision_id is None or (contact.decision_id, offer_id) not in reported:
                yield Happening(Kind.SENT, contact.moment, offer_id, None, contact.channel)


def remembered(situation: Situation, kinds: frozenset[Kind]) -> Iterator[Happening]:
    """The latest of these kinds that the state knows of: overall, by category, by offer."""
    state = situation.known.activity
    if state is None:
        return
    for section, place, kind in _PLACES:
        if kind not in kinds:
            continue
        memory = memory_of(state, section)
        for key, instant in zip(memory.keys, memory.instants[:, place].tolist(), strict=True):
            if instant != NEVER:
                offer_id = OfferId(key) if section is BY_OFFER else None
                category = Category(key) if section is BY_CATEGORY else None
                yield Happening(kind, Instant(instant), offer_id, category, None)


def category_of(shelf: Shelf, happening: Happening) -> Category | None:
    """The category of a happening: its own, else that of its offer."""
    if happening.category is not None or happening.offer_id is None:
        return happening.category
    offer = shelf.catalogue.offer.get(happening.offer_id)
    return None if offer is None else offer.category
