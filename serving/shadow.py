"""A challenger makes live decisions again, in a process of its own: whatever it does, no answer waits for it.

It reads the journal: what each decision rested on is kept there, so the challenger sees exactly what the champion saw.
Of more than it can follow it takes the latest and counts the rest as dropped. The challenger is named by
``KAIROS_CHALLENGER``, or by ``challenger.json``, which ``make shadow VERSION=…`` writes. What it finds lies in a report
that the service shows at ``/metrics``. ``python -m serving.shadow`` runs it; the service starts it by itself.
"""

from __future__ import annotations

import os
import sys
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np

from features.domain import DecisionId, Instant
from features.errors import KairosError
from serving import basis, findings
from serving.basis import Basis
from serving.chronicle import journal_of
from serving.contest import Compared, Contest, compared
from serving.equipment import Equipment
from serving.journal import Journal, JournalUnavailableError, Record
from serving.journal.decisions import ids_since, read_decision
from serving.registry import Load, read_bundle
from serving.rerun import Artefacts, equipment_of, rerun
from serving.score import Model
from serving.settings import Settings, read_settings
from serving.vault import Vault

EVERY_S = 2.0
MOST = 200
"""Decisions taken at a look; of more, the latest."""
MOST_READY = 2
NICE = 15


class Shadow:
    """One challenger over one journal; to be used from one thread."""

    def __init__(self, journal: Journal, artefacts: Artefacts, challenger: Model) -> None:
        self._journal = journal
        self._artefacts = artefacts
        self._model = challenger
        self._ready: OrderedDict[object, Equipment] = OrderedDict()
        self._since = Instant(0)
        self._seen: set[DecisionId] = set()
        self.contest = Contest(challenger.version)

    def look(self, most: int = MOST) -> int:
        """Make again what was decided since the last look; returns how many that were.

        Raises:
            JournalUnavailableError: The journal cannot be read now.
        """
        with self._journal.reading() as connection:
            fresh = [each for each in ids_since(connection, self._since) if each[0] not in self._seen]
        if not fresh:
            return 0
        taken = fresh[-most:]
        self.contest.dropped += len(fresh) - len(taken)
        for decision_id, _ in taken:
            record = self._record(decision_id)
            if record is not None:
                self._again(record)
        latest = fresh[-1][1]
        held = self._seen if latest == self._since else set[DecisionId]()
        self._seen = held | {decision_id for decision_id, at in fresh if at == latest}
        self._since = latest
        return len(taken)

    def _record(self, decision_id: DecisionId) -> Record | None:
        with self._journal.reading() as connection:
            return read_decision(connection, decision_id)

    def _again(self, record: Record) -> None:
        try:
            found = self._compared(record)
        except Exception:  # whatever is wrong with one decision or one challenger, the next one is looked at
            self.contest.failed += 1
            return
        if found is not None:
            self.contest.latest.append(found)

    def _compared(self, record: Record) -> Compared | None:
        """None where no model decided: the customer objected, or there was none."""
        kept = findings.from_bytes(record.findings, record.answer)
        if kept.by_popularity:
            return None
        rested = basis.from_bytes(record.basis)
        made = rerun(rested, record.state, self._equipment(rested)).decision
        if made.funnel.removed.numbers.astype(np.uint8).tobytes() != kept.removed:
            raise KairosError(f"the rules of this build leave other pairs of decision {record.decision_id}")
        return compared(np.frombuffer(kept.scores, dtype="<f8"), made.funnel.scores)

    def _equipment(self, rested: Basis) -> Equipment:
        """That of the decision with the challenger in place of its model."""
        versions = (rested.versions.catalogue, rested.versions.policy)
        key = (versions, rested.evidence, rested.evidence_at, tuple(sorted(rested.prices.items())))
        if key not in self._ready:
            own = replace(rested, versions=replace(rested.versions, model=None))
            self._ready[key] = replace(equipment_of(own, self._artefacts), model=self._model).made_ready()
        self._ready.move_to_end(key)
        while len(self._ready) > MOST_READY:
            self._ready.popitem(last=False)
        return self._ready[key]


def challenger_of(settings: Settings) -> str | None:
    """The version that is to be the shadow; None where there is none."""
    if settings.challenger:
        return settings.challenger
    try:
        found = msgspec.json.decode(settings.challenger_file.read_bytes(), type=dict[str, str])
    except (OSError, msgspec.MsgspecError):
        return None
    return found.get("version")


def write_report(settings: Settings, contest: Contest) -> None:
    """Put what was found where the service looks."""
    document = {"challenger": contest.challenger, "gauges": msgspec.to_builtins(contest.gauges())}
    settings.shadow_file.parent.mkdir(parents=True, exist_ok=True)
    growing = settings.shadow_file.with_suffix(".new")
    growing.write_bytes(msgspec.json.encode(document))
    growing.replace(settings.shadow_file)


def shadow_of(settings: Settings, journal: Journal, version: str, load: Load = read_bundle) -> Shadow:
    """The shadow of a version.

    Raises:
        ModelError: There is no such version, or it cannot be used.
    """
    folder = settings.models_dir / Path(version).name
    return Shadow(journal, Vault(journal, settings.models_dir, load), load(folder))


def follow(settings: Settings, goes_on: Callable[[], bool] = lambda: True) -> None:
    """Look again and again, with whatever challenger is named.

    Raises:
        ModelError: The challenger cannot be used.
    """
    journal = journal_of(settings)
    shadow: Shadow | None = None
    while goes_on():
        version = challenger_of(settings)
        if version is None:
            return
        if shadow is None or shadow.contest.challenger != version:
            shadow = shadow_of(settings, journal, version)
        try:
            while shadow.look():
                write_report(settings, shadow.contest)
        except JournalUnavailableError:
            pass
        time.sleep(EVERY_S)


def main() -> int:
    """0 when no challenger is named any more, 2 with a message where it cannot be used."""
    os.nice(NICE)
    try:
        follow(read_settings(os.environ), lambda: os.getppid() != 1)
    except KairosError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
