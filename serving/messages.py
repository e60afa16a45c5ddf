"""Which offers go out together: one message per outbound channel and moment, as many as are wanted."""

from __future__ import annotations

from collections.abc import Sequence

from features.domain import Category, DecisionId, Importance, Instant, OfferId
from serving.ledger.contact import Contact, ContactId, Standing
from serving.policy.policy import Policy
from serving.ranking import Scored
from serving.score import interrupts

MINUTE_US = 60_000_000


def messages(
    chosen: Sequence[Scored], decision_id: DecisionId, at: Instant, most: int, policy: Policy
) -> tuple[tuple[ContactId | None, ...], tuple[Contact, ...]]:
    """The message of each chosen pair, and the messages to reserve.

    A pair has none where nobody is interrupted (an inbound channel, an enclosed offer), and where it would need a
    further message than the ``most`` that are wanted.
    """
    told: dict[tuple[str, Instant], list[Scored]] = {}
    for scored in chosen:
        key = (scored.pair.channel.name, scored.moment)
        if interrupts(scored.pair) and (key in told or len(told) < most):
            told.setdefault(key, []).append(scored)
    ids = {key: ContactId(f"{decision_id}.{number}") for number, key in enumerate(told, start=1)}
    contacts = tuple(_contact(ids[key], told[key], decision_id, at, policy) for key in told)
    return tuple(_id(scored, ids) for scored in chosen), contacts


def _id(scored: Scored, ids: dict[tuple[str, Instant], ContactId]) -> ContactId | None:
    return ids.get((scored.pair.channel.name, scored.moment)) if interrupts(scored.pair) else None


def _contact(
    contact_id: ContactId, carried: Sequence[Scored], decision_id: DecisionId, at: Instant, policy: Policy
) -> Contact:
    """A reservation that expires so long after the moment it is for."""
    offers = [scored.pair.offer for scored in carried]
    first = carried[0]
    promotes = any(offer.importance is Importance.PROMOTIONAL for offer in offers)
    return Contact(
        contact_id,
        first.pair.channel.name,
        first.moment,
        tuple(OfferId(offer.offer_id) for offer in offers),
        tuple(dict.fromkeys(Category(offer.category) for offer in offers)),
        tuple(dict.fromkeys(offer.purpose for offer in offers)),
        max(offer.priority for offer in offers),
        promotes or policy.count_transactional,
        Standing.RESERVED,
        Instant(max(at, first.moment) + round(policy.reservation_minutes * MINUTE_US)),
        decision_id,
    )
