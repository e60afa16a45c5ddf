"""What the customer allowed and objected to."""

from __future__ import annotations

import numpy as np

from features.instant import format_instant
from serving.consent import EVERY_CHANNEL, MARKETING, Consent, consented
from serving.eligibility.objection import Objection, about
from serving.eligibility.shelf import Shelf
from serving.eligibility.situation import Situation
from serving.policy.policy import Per


def no_consent(shelf: Shelf, situation: Situation) -> Objection | None:
    """Promotions on channels that need a consent which is not there."""
    lacking = [
        channel.consent_purpose is not None and not _agreed(shelf, situation, channel.consent_purpose, channel.name)
        for channel in shelf.channels
    ]
    if not any(lacking):
        return None

    def why(place: int) -> str:
        channel = shelf.pairs[place].channel
        purpose = channel.consent_purpose or ""
        refused = _refusal(situation, purpose, channel.name)
        return f"{purpose} was never given" if refused is None else f"{purpose} refused {format_instant(refused.at)}"

    return about(shelf.on(lacking) & shelf.promotional, why)


def _agreed(shelf: Shelf, situation: Situation, purpose: str, channel: str) -> bool:
    said = consented(situation.known.consents, purpose, channel)
    return purpose in shelf.catalogue.consents_assumed if said is None else said


def marketing_objection(shelf: Shelf, situation: Situation) -> Objection | None:
    """Promotions to somebody who objected to marketing, everywhere or on the channel."""
    if not any(purpose == MARKETING for purpose, _ in situation.known.consents):
        return None
    refused = [_refusal(situation, MARKETING, name) for name in shelf.channel_names()]

    def why(place: int) -> str:
        said = refused[shelf.channel[place]]
        return f"objected {format_instant(said.at)}" if said is not None else ""

    return about(shelf.on(said is not None for said in refused) & shelf.promotional, why)


def purpose_objection(shelf: Shelf, situation: Situation) -> Objection | None:
    """Offers of another purpose than marketing that the customer refused; what is mandatory goes out nevertheless."""
    said = {purpose for purpose, _ in situation.known.consents} - {MARKETING}
    told = said & shelf.subjects[Per.PURPOSE].numbers.keys()
    if not told:
        return None
    found = np.zeros(len(shelf.pairs), dtype=np.bool_)
    for purpose in told:
        refused = shelf.on(_refusal(situation, purpose, name) is not None for name in shelf.channel_names())
        pairs = shelf.subjects[Per.PURPOSE].pairs(purpose)
        found |= refused if pairs is None else refused & pairs

    def why(place: int) -> str:
        pair = shelf.pairs[place]
        refusal = _refusal(situation, pair.offer.purpose, pair.channel.name)
        return "" if refusal is None else f"{pair.offer.purpose} refused {format_instant(refusal.at)}"

    return about(found & ~shelf.mandatory, why)


def _refusal(situation: Situation, purpose: str, channel: str) -> Consent | None:
    """The statement, for every channel or for this one, that forbids the purpose."""
    held = (situation.known.consents.get((purpose, where)) for where in (EVERY_CHANNEL, channel))
    return next((said for said in held if said is not None and not said.granted), None)
