"""Where a decision is made for real: the customer is looked up, the decision made, and its record kept."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from features.domain import CustomerId, Instant
from features.rows import PROFILE_VALUES, Profile
from features.state import NEVER
from serving.crowd import STALE_US
from serving.decide import Lap, decide
from serving.decision import Ask, Decision
from serving.equipment import Equipment, pooled
from serving.pairs import Known
from serving.shortfall import Shortfall
from serving.store import FeatureReader
from serving.unavailable import UNREADABLE, without_store

UNKNOWN_ZONE = "UTC"


def stranger(at: Instant) -> Known:
    """A customer of whom nothing is known."""
    unknown = Profile(np.full(len(PROFILE_VALUES), np.nan), np.array(NEVER, dtype=np.int64))
    return Known(at, None, unknown, UNKNOWN_ZONE)


class Desk:
    """Decides for customers of a store."""

    def __init__(self, store: FeatureReader) -> None:
        self._store = store

    def decide(self, ask: Ask, equipment: Equipment, lap: Lap) -> Decision:
        """The decision with this equipment; what the store cannot tell is done without."""
        known, lacking = self._known(ask.customer_id, ask.at)
        lap("read")
        return decide(ask, known, self._as_of(ask.at, equipment), lacking, lap)

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
