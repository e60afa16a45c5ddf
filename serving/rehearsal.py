"""Many decisions as if they were made, one after the other: what each takes of what is scarce is gone for the next.

Nothing is reserved, recorded or counted: ledger, journal and the account of exploration stay as they are.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import replace

from features.domain import CustomerId, DecisionId, Instant
from serving.decision import Ask, Decision
from serving.desk import Desk
from serving.equipment import Equipment
from serving.journal.dossier import Dossier
from serving.ledger.contact import Ledger
from serving.live_store import LiveStore
from serving.parts import Parts
from serving.projection import Projection


class _Overlaid(LiveStore):
    """The store, with what was taken in the rehearsal on top of what is taken."""

    def __init__(self, parts: Parts, projection: Projection, taken: dict[str, float]) -> None:
        super().__init__(parts.store, projection)
        self._taken = taken

    def ledger(self, met: Dossier, keys: Collection[str]) -> Ledger:
        """See LiveStore."""
        found = super().ledger(met, keys)
        if not self._taken:
            return found
        return replace(found, taken={key: found.taken.get(key, 0.0) + self._taken.get(key, 0.0) for key in keys})


class Rehearsal:
    """Decides with one equipment for one customer after the other."""

    def __init__(self, parts: Parts, projection: Projection, equipment: Equipment) -> None:
        self._taken = defaultdict[str, float](float)
        self._desk = Desk(_Overlaid(parts, projection, self._taken))
        self._equipment = equipment

    def decide(self, ask: Ask) -> Decision:
        """The decision, after which less is left."""
        decision = self._desk.decide(ask, self._equipment).decision
        for take in decision.grant.takes:
            self._taken[take.key] += take.amount
        return decision


def ask(customer_id: CustomerId, at: Instant, kind: str | None, seed: int) -> Ask:
    """What is asked for a customer; the same id each time, so that two rehearsals draw the same numbers."""
    return Ask(DecisionId(f"rehearsal:{seed}:{customer_id}"), customer_id, at, kind, None, 1)
