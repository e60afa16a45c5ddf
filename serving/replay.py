"""A past decision made again and held against what was kept of it."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from threading import Lock

from features.errors import KairosError
from serving import basis, findings
from serving.basis import Basis
from serving.decision import Decision
from serving.difference import differences
from serving.equipment import Equipment
from serving.journal import Record
from serving.rerun import Artefacts, equipment_of, rerun

MOST_READY = 4
"""Equipments that stay ready: decisions of the same hour mostly share theirs."""


class NotKeptError(KairosError):
    """The decision cannot be made again, because something that it was made with is not kept any more."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of a replay."""

    intact: bool
    """False: the record is not what was kept; somebody changed it."""
    differences: tuple[str, ...]
    """Where the decision made again is another one, as paths with both values."""
    decision: Decision | None = None
    """The decision made again; None where the record cannot be read."""

    @property
    def identical(self) -> bool:
        """The same choice, reasons and funnel, numbers to 1e-9, from a record nobody changed."""
        return self.intact and not self.differences


class Replay:
    """Makes recorded decisions again. Nothing is looked up but what is named in the record; nothing is measured."""

    def __init__(self, artefacts: Artefacts) -> None:
        self._artefacts = artefacts
        self._ready: OrderedDict[object, Equipment] = OrderedDict()
        self._lock = Lock()

    def replay(self, record: Record) -> Verdict:
        """The decision of this record, made again.

        Raises:
            NotKeptError: A version it was made with is gone, or the record is of an older build.
        """
        if not record.basis:
            raise NotKeptError("an older build made this decision and kept too little of it to make it again")
        try:
            rested, kept = basis.from_bytes(record.basis), findings.from_bytes(record.findings, record.answer)
        except ValueError as error:
            return Verdict(False, (f"/: the record cannot be read ({error})",))
        try:
            made = rerun(rested, record.state, self._equipment(rested))
        except KeyError as error:
            name = error.args[0]
            raise NotKeptError(
                f"version {name!r}, which this decision was made with, is not kept any more: "
                "bring its folder back to the models, or its row to the journal"
            ) from error
        except KairosError as error:
            raise NotKeptError(f"the decision cannot be made again by this build: {error}") from error
        told = differences(kept, findings.findings_of(made.decision))
        return Verdict(record.intact, told, made.decision)

    def _equipment(self, rested: Basis) -> Equipment:
        prices, missing = tuple(sorted(rested.prices.items())), rested.missing
        when = (rested.evidence, rested.evidence_at)
        key = (rested.versions, when, rested.attention, rested.salt, prices, missing)
        with self._lock:
            found = self._ready.get(key)
            if found is None:
                found = self._ready[key] = equipment_of(rested, self._artefacts)
            self._ready.move_to_end(key)
            while len(self._ready) > MOST_READY:
                self._ready.popitem(last=False)
            return found
