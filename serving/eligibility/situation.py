"""What the rules read beside the shelf: who is asked about, what is asked, and what stands."""

from __future__ import annotations

from features.domain import ChannelName, Instant, OfferId
from features.quick import quick
from serving.facts import Facts
from serving.ledger.contact import Ledger
from serving.pairs import Known

NO_CONTACTS = Ledger()
ALWAYS, OUTSIDE, TAKEN, CONSENTS, ACTIVITY, UNREAD, EVENTS, CONTACTS, INTENTS = (1 << n for n in range(9))
"""What there is to be read, see ``Situation.there``. OUTSIDE: not all offers have begun, or one has ended. UNREAD:
only the state tells what happened, because no events were read."""


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

    def there(self, begun: int, ending: int) -> int:
        """What of all that rules read there is, a sum of the above; conditions always have something to read.

        Args:
            begun: The instant from which every offer has begun.
            ending: The last instant at which none has ended.
        """
        known, ledger = self.facts.known, self.ledger
        found = ALWAYS if begun <= known.at <= ending else ALWAYS | OUTSIDE
        if ledger.taken:
            found |= TAKEN
        if ledger.contacts:
            found |= CONTACTS
        if known.consents:
            found |= CONSENTS
        if known.activity is not None:
            found |= ACTIVITY
        if known.events is None:
            found |= UNREAD
        elif known.events:
            found |= EVENTS
        if known.intents:
            found |= INTENTS
        return found

    def used_up(self, key: str, amount: float, most: float) -> bool:
        """True where a further amount would exceed what there is of a shared stock, capacity or budget."""
        return self.ledger.taken.get(key, 0.0) + amount > most
