"""Where a decision is made for real: the customer is looked up, the decision made, and its record kept."""

from __future__ import annotations

from dataclasses import replace

from features.domain import CustomerId, Instant
from serving.crowd import STALE_US
from serving.decide import Lap, decide
from serving.decision import Ask, Decision, silenced
from serving.equipment import Equipment, pooled
from serving.journal import JournalUnavailableError
from serving.live_store import LiveStore
from serving.pairs import Known, stranger
from serving.shortfall import Lack, Shortfall
from serving.unavailable import UNREADABLE, without_store


class Desk:
    """Decides for customers of a store."""

    def __init__(self, store: LiveStore) -> None:
        self._store = store

    def decide(self, ask: Ask, equipment: Equipment, lap: Lap) -> Decision:
        """The decision with this equipment; what the store cannot tell is done without.

        Nothing is offered to a customer of whom it cannot be told what they objected to.
        """
        known, lacking = self._known(ask.customer_id, ask.at)
        unheard = None
        try:
            said, begun = self._store.said(ask.customer_id, ask.at, known.activity)
            known = replace(known, consents=said, intents=begun)
        except JournalUnavailableError as error:
            unheard = Shortfall(Lack.JOURNAL_UNAVAILABLE, f"Nothing is offered: {error}.")
        lap("read")
        decision = decide(ask, known, self._as_of(ask.at, equipment), lacking, lap)
        return decision if unheard is None else silenced(decision, unheard)

    def _known(self, customer_id: CustomerId, at: Instant) -> tuple[Known, tuple[Shortfall, ...]]:
        nobody = stranger(at)
        try:
            activity, told = self._store.activity(customer_id, at), self._store.profile(customer_id)
        except UNREADABLE as error:
            return nobody, (without_store(error),)
        if told is None:
            return replace(nobody, activity=activity), ()
        return Known(at, activity, told.profile, told.zone), ()

    def _as_of(self, at: Instant, equipment: Equipment) -> Equipment:
        """The equipment with the evidence of that instant, where the one it holds is of another."""
        if abs(at - equipment.evidence_at) < STALE_US:
            return equipment
        try:
            states = self._store.evidence(at)
        except UNREADABLE:
            return equipment
        return replace(equipment, evidence=pooled(equipment.catalogue, states, at), evidence_at=at)
