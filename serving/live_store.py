"""What the service knows of a customer, up to the last acknowledged event."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import suppress

from features.domain import CustomerId, Event, Instant, Kind, OfferId
from features.intent import MATTERS_US, OPENING, Intent
from features.quick import quick
from features.schema import CUSTOMER
from features.state import State
from serving.account import Account
from serving.basis import from_bytes
from serving.consent import Consent, Topic
from serving.eligibility.memory import Need, spans
from serving.journal import JournalUnavailableError
from serving.journal.consents import consents_of
from serving.journal.contacts import read_ledger
from serving.journal.decisions import latest_bases
from serving.journal.familiar import Familiar
from serving.journal.openings import MOST as MOST_EVENTS
from serving.journal.openings import begun
from serving.journal.past import Standing, recent_events
from serving.journal.transaction import Transaction
from serving.ledger.contact import Ledger
from serving.pairs import memory_of
from serving.projection import NoVocabularyError, Projection
from serving.store import FeatureReader, KnownProfile

LATEST = 50
"""Decisions among which the latest is looked for: a clock that stands gives many the same instant."""


@quick(frozen=True, slots=True)
class Heard:
    """What a customer said and did lately."""

    consents: Mapping[Topic, Consent]
    intents: tuple[Intent, ...]
    events: tuple[Event, ...]
    """Those that the rules ask for."""


class LiveStore:
    """A store whose values are caught up with the journal before they are read.

    Customers are named as they are called now; whoever comes under another name is received by ``Welcome`` first.
    """

    def __init__(self, stored: FeatureReader, projection: Projection) -> None:
        self._stored = stored
        self._projection = projection
        self._familiar = Familiar(projection.journal)

    def standing(self, customer_id: CustomerId) -> Standing:
        """How far the journal has come with a customer.

        To be read before anything else: what changes afterwards shows in its revision.

        Raises:
            JournalUnavailableError: It cannot be told.
        """
        return self._projection.journal.standing(customer_id)

    def forget(self, customer_ids: Collection[CustomerId]) -> None:
        """Keep nothing of these customers that was read of them lately."""
        self._familiar.forget(customer_ids)

    def activity(
        self, customer_id: CustomerId, at: Instant, who: Standing | None = None
    ) -> tuple[State | None, bytes | None]:
        """What the customer did, and the stored value that says so, if there is one. None where nothing is known.

        Where the journal cannot be read, what was stored last. ``who`` is how far the journal has come with the
        customer, where that is known already.
        """
        with suppress(JournalUnavailableError, NoVocabularyError):
            value = self._projection.settled(customer_id, who)
            if value is not None:
                return self._stored.state(value, at), value
        return self._stored.activity(customer_id, at), None

    def profile(self, customer_id: CustomerId) -> KnownProfile | None:
        """See FeatureReader."""
        return self._stored.profile(customer_id)

    def consents(self, who: Standing) -> Mapping[Topic, Consent]:
        """What the customer allowed and objected to.

        Raises:
            JournalUnavailableError: It cannot be told.
        """
        return self._familiar.consents(who)

    def said(self, who: Standing, at: Instant, activity: State | None, needed: Iterable[Need] = ()) -> Heard:
        """What the customer allowed and objected to, what was begun and not finished, and what the rules ask for.

        Raises:
            JournalUnavailableError: It cannot be told.
        """
        familiar, asked = self._familiar, spans(needed, activity, at)
        told = familiar.recent_events(who, at, asked, MOST_EVENTS) if asked else ()
        opened = begun(self._projection.journal.look, who.customer_id, at, _opened(activity, at))
        return Heard(familiar.consents(who), opened, told)

    def holding(
        self,
        transaction: Transaction,
        customer_id: CustomerId,
        at: Instant,
        activity: State | None,
        keys: Collection[str],
        since: Instant,
        needed: Iterable[Need] = (),
    ) -> tuple[Ledger, Heard]:
        """As ``ledger`` and ``said``, read anew in a transaction of the caller's."""
        connection, asked = transaction.connection, spans(needed, activity, at)
        ledger = read_ledger(connection, customer_id, at, keys, since)
        told = recent_events(connection, customer_id, at, asked, MOST_EVENTS) if asked else []
        opened = begun(lambda asking, given: asking.rows(connection, given), customer_id, at, _opened(activity, at))
        return ledger, Heard(consents_of(connection, customer_id), opened, tuple(told))

    def ledger(self, who: Standing, at: Instant, keys: Collection[str], since: Instant) -> Ledger:
        """What was said to the customer since an instant, and what is used up of these keys.

        Raises:
            JournalUnavailableError: It cannot be told.
        """
        return self._familiar.ledger(who, at, keys, since)

    def account(self) -> Account:
        """What exploration had cost before the latest decision on record, in the process that made it.

        Where many processes decide, each of them goes on from there: what is left of the day's allowance counts for
        each.

        Raises:
            JournalUnavailableError: It cannot be told.
        """
        with self._projection.journal.reading() as connection:
            told = latest_bases(connection, LATEST)
        return max(_accounts(told), key=lambda account: (account.day, account.decisions), default=Account())

    def evidence(self, at: Instant) -> Mapping[OfferId, State]:
        """See FeatureReader."""
        return self._stored.evidence(at)


def _accounts(told: Iterable[bytes]) -> Iterator[Account]:
    for each in told:
        with suppress(ValueError):  # an older build wrote it
            yield from_bytes(each).circumstances.account


def _opened_by(name: str) -> tuple[int, frozenset[Kind], int]:
    """Which of the customer's instants this is, what began then, and how long that can be open."""
    extreme = next(extreme for extreme in CUSTOMER.extremes if extreme.name == name)
    kinds = extreme.measure.kinds & OPENING
    return CUSTOMER.extremes.index(extreme), kinds, max(MATTERS_US[kind] for kind in kinds)


_OPENED = tuple(_opened_by(name) for name in ("latest_interest", "latest_service"))


def _opened(activity: State | None, at: Instant) -> frozenset[Kind]:
    """Events that may have begun what is open: most customers have begun nothing lately, and are not asked about."""
    if activity is None:
        return _NONE
    instants = memory_of(activity, CUSTOMER).instants
    if not len(instants):
        return _NONE
    latest = instants[0].tolist()
    found = [kinds for place, kinds, span in _OPENED if latest[place] >= at - span]
    return found[0] if len(found) == 1 else _NONE.union(*found)


_NONE = frozenset[Kind]()
