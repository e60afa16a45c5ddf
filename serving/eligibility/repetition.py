"""What went before: campaigns that must have been sent, offers that were taken."""

from __future__ import annotations

import numpy as np

from features.domain import DAY, Instant, OfferId, Response
from features.instant import format_instant
from features.schema import BY_OFFER
from features.state import NEVER
from serving.eligibility.objection import Objection, about
from serving.eligibility.shelf import Shelf
from serving.eligibility.situation import Situation
from serving.pairs import memory_of

_NAMES = [extreme.name for extreme in BY_OFFER.extremes]
_SENT, _REDEEMED = _NAMES.index("latest_contacts"), _NAMES.index("latest_redemptions")


def not_in_audience(shelf: Shelf, situation: Situation) -> Objection | None:
    """Pairs that need another offer to have been sent, to a customer who never got it."""
    if not shelf.needs_sent:
        return None
    sent = latest(situation, _SENT)
    lacking = [pairs for needed, pairs in shelf.needs_sent if needed not in sent]
    if not lacking:
        return None
    return about(np.logical_or.reduce(lacking), lambda place: f"was never sent {shelf.pairs[place].offer.audience}")


def already_taken(shelf: Shelf, situation: Situation) -> Objection | None:
    """Offers to be redeemed that the customer has redeemed inside their window."""
    redeemed = latest(situation, _REDEEMED)
    if not redeemed:
        return None
    pairs = np.zeros(len(shelf.pairs), dtype=np.bool_)
    for offer_id, instant in redeemed.items():
        offer = shelf.catalogue.offer.get(offer_id)
        if offer is None or offer.response is not Response.REDEMPTION:
            continue
        if situation.at - instant < offer.window_days * DAY:
            pairs[shelf.places[offer_id]] = True
    return about(pairs, lambda place: f"redeemed {format_instant(redeemed[shelf.pairs[place].offer.offer_id])}")


def nothing_redeemed(shelf: Shelf) -> bool:
    """True where no offer is to be redeemed, so that none can have been."""
    return all(offer.response is not Response.REDEMPTION for offer in shelf.offers)


def latest(situation: Situation, extreme: int) -> dict[OfferId, Instant]:
    """The latest instant of one memory by offer, for the offers that have one."""
    state = situation.known.activity
    if state is None:
        return {}
    memory = memory_of(state, BY_OFFER)
    told = memory.instants[:, extreme].tolist()
    if not told or max(told) == NEVER:
        return {}
    return {OfferId(key): Instant(instant) for key, instant in zip(memory.keys, told, strict=True) if instant != NEVER}
