"""What the service knows of a customer, up to the last acknowledged event."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass

from features.domain import CustomerId, Event, Instant, Kind, OfferId
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


NONE_NEEDED: Mapping[Kind, int] = {}


@dataclass(frozen=True, slots=True)
class Heard:
    """What a customer said and did lately."""

    consents: Mapping[Topic, Consent]
    intents: tuple[Intent, ...]
    events: tuple[Event, ...] | None
    """Those asked for; None where none were."""


def _spans(activity: State | None, at: Instant, needed: Mapping[Kind, int]) -> Mapping[Kind, int]:
    """How far back events of each kind have to be read, microseconds."""
    if activity is None:
        return NONE_NEEDED
    if not needed:
        return MATTERS_US if _busy(activity, at) else NONE_NEEDED
    kinds = sorted({*needed, *MATTERS_US})
    return {kind: max(needed.get(kind, 0), MATTERS_US.get(kind, 0)) for kind in kinds}


def _heard(consents: Mapping[Topic, Consent], events: list[Event], at: Instant, needed: Mapping[Kind, int]) -> Heard:
    fresh = [event for event in events if event.occurred_at >= at - MATTERS_US.get(event.kind, 0)]
    return Heard(consents, open_intents(fresh, at), tuple(events) if needed else None)


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
        self, customer_id: CustomerId, at: Instant, activity: State | None, needed: Mapping[Kind, int] = NONE_NEEDED
    ) -> Heard:
        """What the customer allowed and objected to, and what was begun and not finished.

        ``needed`` is how far back events of each kind are asked for beside, microseconds.

        Raises:
            JournalUnavailableError: It cannot be told.
        """
        journal = self._projection.journal
        consents, spans = journal.consents(customer_id), _spans(activity, at, needed)
        events = journal.recent_events(customer_id, at, spans, MOST_EVENTS) if spans else []
        return _heard(consents, events, at, needed)

    def holding(
        self,
        transaction: Transaction,
        customer_id: CustomerId,
        at: Instant,
        activity: State | None,
        keys: Collection[str],
        since: Instant,
        needed: Mapping[Kind, int] = NONE_NEEDED,
    ) -> tuple[Ledger, Heard]:
        """As ``ledger`` and ``said``, in a transaction of the caller's."""
        connection, spans = transaction.connection, _spans(activity, at, needed)
        ledger = read_ledger(connection, customer_id, at, keys, since)
        events = recent_events(connection, customer_id, at, spans, MOST_EVENTS) if spans else []
        return ledger, _heard(consents_of(connection, customer_id), events, at, needed)

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
