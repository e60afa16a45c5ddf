"""What the service knows of a customer, up to the last acknowledged event."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

from features.domain import CustomerId, Event, Instant, OfferId
from features.intent import Intent
from features.quick import quick
from features.state import State
from features.unfinished import Unfinished, unfinished
from serving.account import Account
from serving.basis import from_bytes
from serving.consent import Consent, Topic
from serving.eligibility.memory import Need, spans
from serving.feature_reader import FeatureReader, KnownProfile
from serving.journal import JournalUnavailableError
from serving.journal.consents import consents_of
from serving.journal.contacts import read_ledger
from serving.journal.decisions import latest_bases
from serving.journal.dossier import Dossier
from serving.journal.openings import MOST as MOST_EVENTS
from serving.journal.openings import begun, begun_by, rehearse
from serving.journal.past import Standing, recent_events
from serving.journal.transaction import Transaction
from serving.ledger.contact import Ledger
from serving.pairs import Known, stranger
from serving.projection import NoVocabularyError, Projection
from serving.values import position_of

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

    def dossier(self, customer_id: CustomerId, since: Instant) -> Dossier:
        """See Journal. To be read before anything else: what changes afterwards shows in its revision.

        Raises:
            JournalUnavailableError: It cannot be told.
        """
        return self._projection.journal.dossier(customer_id, since)

    def known(
        self, customer_id: CustomerId, at: Instant, who: Standing | None = None
    ) -> tuple[State | None, bytes | None, KnownProfile | None]:
        """What the customer did, the stored value that says so, and what the customer told; None where not known.

        Where the journal cannot be read, what was stored last. ``who`` is how far the journal has come with the
        customer, where that is known already.
        """
        stored, told = self._stored.customer(customer_id)
        value = stored
        if who is None or who.head > position_of(value):
            with suppress(JournalUnavailableError, NoVocabularyError):
                value = self._projection.settled(customer_id, who)
        if value is None and stored is not None:  # erased since it was stored
            return None, None, None
        return (None if value is None else self._stored.state(value, at)), value, told

    def said(self, met: Dossier, at: Instant, activity: State | None, needed: Iterable[Need] = ()) -> Heard:
        """What the customer allowed and objected to, what was begun and not finished, and what the rules ask for.

        Raises:
            JournalUnavailableError: It cannot be told.
        """
        journal, customer_id, asked = self._projection.journal, met.who.customer_id, spans(needed, activity, at)
        told = journal.recent_events(customer_id, at, asked, MOST_EVENTS) if asked else ()
        return Heard(met.consents, begun(journal.look, customer_id, at, unfinished(activity, at)), tuple(told))

    def several(self, mets: Sequence[Dossier], at: Instant, needed: Sequence[Need] = ()) -> list[Known | None]:
        """All that is known of each of several customers, at least one, read together.

        None where a value is behind the journal, and is to be caught up. Raises as FeatureReader does.

        Raises:
            JournalUnavailableError: It cannot be told.
        """
        journal = self._projection.journal
        known: list[Known | None] = []
        signs: dict[CustomerId, Unfinished] = {}
        for met, (value, told) in zip(mets, self._stored.several([met.who.customer_id for met in mets]), strict=True):
            if met.who.head > position_of(value):
                known.append(None)
                continue
            customer_id, did = met.who.customer_id, None if value is None else self._stored.state(value, at)
            if (sign := unfinished(did, at)) is not None:
                signs[customer_id] = sign
            asked = spans(needed, did, at)
            events = tuple(journal.recent_events(customer_id, at, asked, MOST_EVENTS)) if asked else ()
            profile, zone = (_UNTOLD.profile, _UNTOLD.zone) if told is None else (told.profile, told.zone)
            known.append(Known(at, did, profile, zone, met.consents, (), events, value))
        intents = begun_by(journal.look, signs, at)
        for place, met in enumerate(mets if intents else ()):
            each, open_now = known[place], intents.get(met.who.customer_id)
            if each is not None and open_now:
                known[place] = replace(each, intents=open_now)
        return known

    def rehearse(self, n: int) -> None:
        """Ask for up to so many at once who are nobody: what that takes is then ready when somebody waits.

        Raises:
            JournalUnavailableError: It cannot be asked.
        """
        journal = self._projection.journal
        for power in range(1, n.bit_length()):
            journal.known_by("", [""] * (1 << power), Instant(0))
        rehearse(journal.look, n)

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
        signs = unfinished(activity, at)
        opened = begun(lambda asking, given: asking.rows(connection, given), customer_id, at, signs)
        return ledger, Heard(consents_of(connection, customer_id), opened, tuple(told))

    def ledger(self, met: Dossier, keys: Collection[str]) -> Ledger:
        """What was said to the customer, and what is used up of these keys.

        Raises:
            JournalUnavailableError: It cannot be told.
        """
        return Ledger(met.contacts, met.who.revision, self.taken(keys))

    def taken(self, keys: Collection[str]) -> Mapping[str, float]:
        """See Journal."""
        return self._projection.journal.taken(keys) if keys else {}

    def known_by(self, namespace: str, names: Sequence[str], since: Instant) -> dict[str, Dossier]:
        """See Journal. To be read before anything else, as ``dossier``."""
        return self._projection.journal.known_by(namespace, names, since)

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


_UNTOLD = stranger(Instant(0))
