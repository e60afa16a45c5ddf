"""What the service knows of a customer, up to the last acknowledged event."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import suppress

from features.domain import CustomerId, Instant, OfferId
from features.intent import MATTERS_US, Intent, open_intents
from features.schema import CUSTOMER
from features.state import State
from serving.consent import Consent, Topic
from serving.journal import JournalUnavailableError
from serving.journal.consents import consents_of
from serving.journal.contacts import read_ledger
from serving.journal.log import recent_events
from serving.journal.transaction import Transaction
from serving.ledger.contact import Ledger
from serving.pairs import memory_of
from serving.projection import NoVocabularyError, Projection
from serving.store import FeatureReader, KnownProfile

MOST_EVENTS = 500
"""The latest events in which open topics are looked for."""


class LiveStore:
    """A store whose values are caught up with the journal before they are read.

    Customers are named as they are called now; whoever comes under another name is received by ``Welcome`` first.
    """

    def __init__(self, stored: FeatureReader, projection: Projection) -> None:
        self._stored = stored
        self._projection = projection

    def activity(self, customer_id: CustomerId, at: Instant) -> State | None:
        """See FeatureReader. Where the journal cannot be read, what was stored last."""
        with suppress(JournalUnavailableError, NoVocabularyError):
            value = self._projection.settled(customer_id)
            if value is not None:
                return self._stored.state(value, at)
        return self._stored.activity(customer_id, at)

    def profile(self, customer_id: CustomerId) -> KnownProfile | None:
        """See FeatureReader."""
        return self._stored.profile(customer_id)

    def said(
        self, customer_id: CustomerId, at: Instant, activity: State | None
    ) -> tuple[Mapping[Topic, Consent], tuple[Intent, ...]]:
        """What the customer allowed and objected to, and what was begun and not finished, as of one moment.

        Raises:
            JournalUnavailableError: It cannot be told.
        """
        journal = self._projection.journal
        held = journal.consents(customer_id)
        events = journal.recent_events(customer_id, at, MATTERS_US, MOST_EVENTS) if _busy(activity, at) else []
        return held, open_intents(events, at)

    def holding(
        self,
        transaction: Transaction,
        customer_id: CustomerId,
        at: Instant,
        activity: State | None,
        keys: Collection[str],
        since: Instant,
    ) -> tuple[Ledger, Mapping[Topic, Consent], tuple[Intent, ...]]:
        """As ``ledger`` and ``said``, in a transaction of the caller's."""
        connection = transaction.connection
        ledger = read_ledger(connection, customer_id, at, keys, since)
        events = recent_events(connection, customer_id, at, MATTERS_US, MOST_EVENTS) if _busy(activity, at) else []
        return ledger, consents_of(connection, customer_id), open_intents(events, at)

    def ledger(self, customer_id: CustomerId, at: Instant, keys: Collection[str], since: Instant) -> Ledger:
        """What was said to the customer since an instant, and what is used up of these keys.

        To be read before anything else: what changes afterwards shows in its revision.

        Raises:
            JournalUnavailableError: It cannot be told.
        """
        return self._projection.journal.ledger(customer_id, at, keys, since)

    def evidence(self, at: Instant) -> Mapping[OfferId, State]:
        """See FeatureReader."""
        return self._stored.evidence(at)


def _opened_by(name: str) -> tuple[int, int]:
    """Which of the customer's instants this is, and how long what the latest such event began can be open."""
    extreme = next(extreme for extreme in CUSTOMER.extremes if extreme.name == name)
    return CUSTOMER.extremes.index(extreme), max(MATTERS_US[kind] for kind in extreme.measure.kinds)


_OPENED = tuple(_opened_by(name) for name in ("latest_interest", "latest_service"))


def _busy(activity: State | None, at: Instant) -> bool:
    """True where something may be open: most customers have begun nothing lately, and need not be asked about."""
    if activity is None:
        return False
    instants = memory_of(activity, CUSTOMER).instants
    return bool(len(instants)) and any(instants[0, place] >= at - span for place, span in _OPENED)
