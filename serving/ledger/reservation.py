"""What is asked of the ledger for a decision, and what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from features.domain import SECOND, Category, CustomerId, DecisionId, Importance, Instant, Kind, OfferId
from features.quick import quick
from serving.ledger.contact import Contact, ContactId, Standing
from serving.pairs import Pair
from serving.policy.policy import Policy


@quick(frozen=True, slots=True)
class Held:
    """An incentive, which is charged to a budget until it is known whether it is used."""

    offer_id: OfferId
    amount: float
    """Minor units."""
    kind: Kind
    """Events of this kind, about the offer, show that it was used."""
    category: Category | None
    """Purchases in this category do, too, where purchases are such events; None: in any."""
    until: Instant
    """The last instant at which it can be used."""


@quick(frozen=True, slots=True)
class Take:
    """So much of a shared stock, capacity or budget."""

    key: str
    amount: float
    most: float
    """All that there is of it."""
    contact_id: ContactId | None = None
    """The contact with which it is given back; None: it is gone with the decision."""
    held: Held | None = field(default=None, compare=False)
    """The part that comes back unless it is used."""


@dataclass(frozen=True, slots=True)
class Reserved:
    """Granted."""

    revision: int
    """What the customer's ledger stands at now."""


@dataclass(frozen=True, slots=True)
class Stale:
    """Nothing was granted: what the decision rests on has changed. Read and decide again."""

    customer_id: CustomerId
    """Who the customer is now."""


@dataclass(frozen=True, slots=True)
class Exhausted:
    """Nothing was granted: there is not enough left of these."""

    keys: frozenset[str]


def contact_id_of(decision_id: DecisionId, place: int) -> ContactId:
    """The message of a decision with this number."""
    return ContactId(f"{decision_id}-{place}")


def contact_of(
    decision_id: DecisionId, place: int, pairs: Sequence[Pair], moment: Instant, policy: Policy, at: Instant
) -> Contact:
    """The reservation of one message that carries these offers, all on one channel.

    Args:
        place: Tells the contacts of one decision apart.
        moment: When it is to go out; the time to confirm it begins there, or at ``at`` where that is later.
    """
    offers = [pair.offer for pair in pairs]
    promotional = any(offer.importance is Importance.PROMOTIONAL for offer in offers)
    return Contact(
        contact_id=contact_id_of(decision_id, place),
        channel=pairs[0].channel.name,
        moment=moment,
        offers=tuple(dict.fromkeys(offer.offer_id for offer in offers)),
        categories=tuple(dict.fromkeys(offer.category for offer in offers)),
        purposes=tuple(dict.fromkeys(offer.purpose for offer in offers)),
        priority=max(offer.priority for offer in offers),
        counts=promotional or policy.count_transactional,
        standing=Standing.RESERVED,
        expires_at=Instant(max(moment, at) + round(policy.reservation_minutes * 60 * SECOND)),
        decision_id=decision_id,
        follow_ups=tuple(
            (offer.offer_id, follow_up)
            for offer in offers
            for follow_up in offer.follow_ups
            if follow_up.only_on in (None, pairs[0].channel.name)
        ),
        capped=all(offer.importance is Importance.PROMOTIONAL for offer in offers),
    )
