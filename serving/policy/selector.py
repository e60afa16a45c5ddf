"""Which offers and channels a line of the policy is about."""

from __future__ import annotations

from dataclasses import dataclass

from features.domain import Importance
from serving.pairs import Pair


@dataclass(frozen=True, slots=True)
class Selector:
    """All that is named must hold; an empty selector is about everything."""

    offer: str | None = None
    category: str | None = None
    channel: str | None = None
    purpose: str | None = None
    kind: str | None = None
    importance: Importance | None = None

    def selects(self, pair: Pair) -> bool:
        """True where the pair is all that is named."""
        offer = pair.offer
        return (
            self.offer in (None, offer.offer_id)
            and self.category in (None, offer.category)
            and self.channel in (None, pair.channel.name)
            and self.purpose in (None, offer.purpose)
            and self.kind in (None, offer.kind)
            and self.importance in (None, offer.importance)
        )
