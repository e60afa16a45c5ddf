"""What was read of customers lately, used again for as long as nothing about them has changed.

Whatever the journal holds of a customer changes the customer's revision. What was read after a revision was seen is of
that revision or of a later one, so while the same one is seen it still holds, whichever process writes.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from threading import Lock
from time import monotonic

from features.domain import CustomerId, Event, Instant, Kind
from serving.consent import Consent, Topic
from serving.journal.journal import Journal
from serving.journal.past import Standing
from serving.ledger.contact import Contact, Ledger

MOST = 1_000
"""Customers of whom something is kept at most."""
KEPT_S = 600.0
"""How long something is kept of a customer for whom nobody asks, who may have been erased elsewhere."""
FRESH_S = 0.1
"""How long after it was asked for something need not be counted as asked for again."""
MOST_SPANS = 4
"""Different ways of asking for events of which the answer is kept, by customer."""
_Within = tuple[tuple[Kind, int], ...]


@dataclass(slots=True)
class _Face:
    """What was read of one customer since a revision was seen; None where it was not asked for."""

    revision: int
    used_s: float
    contacts: tuple[Instant, tuple[Contact, ...]] | None = None
    """Those that went out since the instant beside them."""
    consents: Mapping[Topic, Consent] | None = None
    events: dict[_Within, tuple[Instant, tuple[Event, ...]]] = field(default_factory=dict)
    """As of the instant beside them."""


class Familiar:
    """Reads what the journal holds of customers, and of most only once; may be shared between threads.

    ``who`` is how far the journal had come with the customer before any of this was asked.
    """

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._faces: dict[CustomerId, _Face] = {}
        self._lock = Lock()

    def ledger(self, who: Standing, at: Instant, keys: Collection[str], since: Instant) -> Ledger:
        """What was said to the customer since an instant, and what is used up of these keys: never kept.

        What changed after the revision that it names may be in it: that shows when something is reserved.
        """
        face = self._face(who)
        held = face.contacts
        if held is None or held[0] > since:
            held = face.contacts = since, self._journal.ledger(who.customer_id, at, (), since).contacts
        contacts = held[1] if held[0] == since else tuple(each for each in held[1] if each.moment >= since)
        return Ledger(contacts, who.revision, self._journal.taken(keys) if keys else {})

    def consents(self, who: Standing) -> Mapping[Topic, Consent]:
        """The statement that holds for each purpose and channel on which the customer made one."""
        face = self._face(who)
        if face.consents is None:
            face.consents = self._journal.consents(who.customer_id)
        return face.consents

    def recent_events(self, who: Standing, at: Instant, within: Mapping[Kind, int], most: int) -> tuple[Event, ...]:
        """See Journal."""
        face, key = self._face(who), tuple(within.items())
        held = face.events.get(key)
        if held is not None and held[0] == at:
            return held[1]
        if held is not None and held[0] < at:
            return tuple(each for each in held[1] if each.occurred_at >= at - within[each.kind])
        found = tuple(self._journal.recent_events(who.customer_id, at, within, most))
        if len(found) < most and len(face.events) < MOST_SPANS:  # of more, other ones may be the latest later
            face.events[key] = at, found
        return found

    def forget(self, customer_ids: Collection[CustomerId]) -> None:
        """Keep nothing of these customers."""
        with self._lock:
            for customer_id in customer_ids:
                self._faces.pop(customer_id, None)

    def _face(self, who: Standing) -> _Face:
        """What is kept of the customer as of the revision, nothing at first."""
        now = monotonic()
        held = self._faces.get(who.customer_id)
        if held is not None and held.revision == who.revision and now - held.used_s < FRESH_S:
            return held  # one decision asks four times
        with self._lock:
            face = self._faces.pop(who.customer_id, None)
            if face is None or face.revision != who.revision:
                face = _Face(who.revision, now)
            face.used_s = now
            self._faces[who.customer_id] = face
            while len(self._faces) > MOST or now - next(iter(self._faces.values())).used_s > KEPT_S:
                del self._faces[next(iter(self._faces))]
            return face
