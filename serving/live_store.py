"""What the service knows of a customer, up to the last acknowledged event, under whichever name the customer comes."""

from __future__ import annotations

from collections.abc import Mapping

from features.domain import CustomerId, Instant, OfferId
from features.intent import LONGEST_US, Intent, open_intents
from features.schema import CUSTOMER as OVERALL
from features.state import State
from serving.consent import Consent, Topic
from serving.identity.identity import identity
from serving.identity.namespace import CUSTOMER, IdentityError
from serving.journal import JournalUnavailableError
from serving.journal.consents import consents_of
from serving.journal.log import recent_events
from serving.pairs import memory_of
from serving.projection import NoVocabularyError, Projection
from serving.store import FeatureReader, KnownProfile

MOST_EVENTS = 500
"""The latest events in which open topics are looked for."""


class LiveStore:
    """A store whose values are caught up with the journal before they are read."""

    def __init__(self, stored: FeatureReader, projection: Projection) -> None:
        self._stored = stored
        self._projection = projection

    def who(self, customer_id: CustomerId) -> CustomerId:
        """The customer whom this name means now; the name itself where the journal knows nobody by it."""
        try:
            found = self._projection.journal.find(identity(CUSTOMER, customer_id))
        except IdentityError:
            return customer_id
        return customer_id if found is None else found.customer_id

    def activity(self, customer_id: CustomerId, at: Instant) -> State | None:
        """See FeatureReader. Where the journal cannot be read, what was stored last."""
        try:
            owner = self.who(customer_id)
            self._projection.settle([owner])
        except (JournalUnavailableError, NoVocabularyError):
            owner = customer_id
        return self._stored.activity(owner, at)

    def profile(self, customer_id: CustomerId) -> KnownProfile | None:
        """See FeatureReader."""
        try:
            owner = self.who(customer_id)
        except JournalUnavailableError:
            owner = customer_id
        return self._stored.profile(owner)

    def said(
        self, customer_id: CustomerId, at: Instant, activity: State | None
    ) -> tuple[Mapping[Topic, Consent], tuple[Intent, ...]]:
        """What the customer allowed and objected to, and what was begun and not finished, as of one moment.

        Raises:
            JournalUnavailableError: It cannot be told.
        """
        owner = self.who(customer_id)
        with self._projection.journal.reading() as connection:
            held = consents_of(connection, owner)
            events = (
                recent_events(connection, owner, Instant(at - LONGEST_US), MOST_EVENTS) if _busy(activity, at) else []
            )
        return held, open_intents(events, at)

    def evidence(self, at: Instant) -> Mapping[OfferId, State]:
        """See FeatureReader."""
        return self._stored.evidence(at)


_OPENING = [
    [extreme.name for extreme in OVERALL.extremes].index(name) for name in ("latest_interest", "latest_service")
]


def _busy(activity: State | None, at: Instant) -> bool:
    """True where something may be open: most customers have begun nothing lately, and need not be asked about."""
    if activity is None:
        return False
    instants = memory_of(activity, OVERALL).instants
    return bool(len(instants)) and bool((instants[0, _OPENING] >= at - LONGEST_US).any())
