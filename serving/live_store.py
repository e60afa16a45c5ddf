"""What the service knows of a customer, up to the last acknowledged event, under whichever name the customer comes."""

from __future__ import annotations

from collections.abc import Mapping

from features.domain import CustomerId, Instant, OfferId
from features.state import State
from serving.identity.identity import identity
from serving.identity.namespace import CUSTOMER, IdentityError
from serving.journal import JournalUnavailableError
from serving.projection import NoVocabularyError, Projection
from serving.store import FeatureReader, KnownProfile


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

    def evidence(self, at: Instant) -> Mapping[OfferId, State]:
        """See FeatureReader."""
        return self._stored.evidence(at)
