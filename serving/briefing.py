"""What decisions that are made one after the other need to know of their customers, read for all of them at once.

Read one by one, between one decision and the next, it takes longer. What changes afterwards shows in the
revision of the customer's ledger, as for any decision.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from time import perf_counter

from features.clock import Clock
from features.quick import quick
from serving import api
from serving.background import Background
from serving.circumstances import Circumstances
from serving.desk import Desk
from serving.equipment import Equipment
from serving.identity.identity import identity
from serving.identity.namespace import CUSTOMER, IdentityError
from serving.journal import JournalUnavailableError
from serving.ledger.contact import Ledger
from serving.ledger.shared import keys_of
from serving.live_store import LiveStore
from serving.prepared import Prepared
from serving.progress import Progress
from serving.unavailable import UNREADABLE


@quick(frozen=True, slots=True)
class Due:
    """A decision that waits for its turn."""

    request: api.DecisionRequest
    progress: Progress


@quick(frozen=True, slots=True)
class Brief:
    """What was read for one decision."""

    background: Background
    equipment: Equipment
    """With which it was read, and is to be decided."""
    seconds: float
    """The decision's share of the time that it took."""


class Briefing:
    """Reads for the thread that decides; another one that takes over reads anew."""

    def __init__(self, store: LiveStore, desk: Desk, clock: Clock, equipment: Callable[[], Equipment]) -> None:
        self._store, self._desk, self._clock, self._equipment = store, desk, clock, equipment
        self.briefs = Prepared[Brief]()
        """What was read and not used yet."""

    def rehearse(self, most: int) -> None:
        """Be ready for as many decisions at once; where the journal cannot be read now, later."""
        with suppress(JournalUnavailableError):
            self._store.rehearse(most)

    def read(self, dues: Sequence[Due]) -> None:
        """Read what can be read at once. The rest is left to each of the decisions, and so is what goes wrong."""
        named = [(name, due.progress) for due in dues if (name := _plain(due.request)) is not None]
        if len(named) > 1:
            with suppress(JournalUnavailableError, *UNREADABLE):
                self._read(named)

    def _read(self, named: Sequence[tuple[str, Progress]]) -> None:
        began, equipment, at = perf_counter(), self._equipment(), self._clock.now()
        names = list(dict.fromkeys(name for name, _ in named))
        dossiers = self._store.known_by(CUSTOMER, names, equipment.since(at))
        met = [(dossiers[name], progress) for name, progress in named if name in dossiers]
        if not met:
            return
        spent, taken = self._desk.spent(), self._store.taken(keys_of(equipment.policy, equipment.stocks, at))
        stands = [Circumstances(Ledger(each.contacts, each.who.revision, taken), spent) for each, _ in met]
        for (each, progress), stand in zip(met, stands, strict=True):  # by which it is decided where the store is late
            if progress.background is None:  # who took the job over meanwhile may know more
                progress.background = Background(each.who.customer_id, at, each.consents, stand, each.erasures)
        found = self._store.several([each for each, _ in met], at, equipment.needed)
        share = (perf_counter() - began) / len(met)
        for (each, progress), stand, known in zip(met, stands, found, strict=True):
            if known is not None:
                background = Background(each.who.customer_id, at, each.consents, stand, each.erasures, known)
                self.briefs.keep(progress, Brief(background, equipment, share))


def _plain(request: api.DecisionRequest) -> str | None:
    """The name of a customer who comes with nothing else, None for others: what they bring is taken in before."""
    if request.customer_id is None or request.identities or request.events or request.at is not None:
        return None
    try:
        name = identity(CUSTOMER, request.customer_id)
    except IdentityError:
        return None
    return name.value if name.namespace == CUSTOMER else None
