"""What the rules read beside the shelf: who is asked about, what is asked, and what stands."""

from __future__ import annotations

from features.domain import ChannelName, Instant, OfferId
from features.quick import quick
from serving.facts import Facts
from serving.ledger.contact import Ledger
from serving.pairs import Known

NO_CONTACTS = Ledger()


@quick(frozen=True, slots=True)
class Situation:
    """One customer at one instant."""

    facts: Facts
    kind: str | None = None
    """Kind of offer that is asked for; None: the first that has an eligible pair."""
    channels: frozenset[ChannelName] | None = None
    """Channels the caller allows; None where it names none."""
    offer_id: OfferId | None = None
    """The one offer that is asked for."""
    ledger: Ledger = NO_CONTACTS
    now_only: bool = False
    """True where nothing can wait for a better moment, such as an e-mail that is being sent."""

    @property
    def known(self) -> Known:
        """What is known of the customer."""
        return self.facts.known

    @property
    def at(self) -> Instant:
        """The instant of the decision."""
        return self.facts.known.at

    @property
    def asked(self) -> bool:
        """True where the request names the kind or the offer."""
        return self.kind is not None or self.offer_id is not None

    def used_up(self, key: str, amount: float, most: float) -> bool:
        """True where a further amount would exceed what there is of a shared stock, capacity or budget."""
        return self.ledger.taken.get(key, 0.0) + amount > most
