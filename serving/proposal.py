"""A decision on its way: made and answered, and not granted and recorded yet."""

from __future__ import annotations

from dataclasses import field, replace

from features.quick import quick
from serving import api, basis, findings
from serving.answer_api import Answer
from serving.decision import silenced
from serving.desk import Made
from serving.journal import JournalUnavailableError, Record
from serving.journal.decisions import row_of
from serving.journal.record import Row
from serving.letter import Letter, letter
from serving.placing import placed
from serving.progress import Progress
from serving.shortfall import Lack, Shortfall
from serving.stopwatch import Stopwatch
from serving.welcome import Arrived
from serving.wire import answer


@quick(frozen=True)
class Proposal:
    """What is offered if it is granted."""

    made: Made
    request: api.DecisionRequest
    arrived: Arrived
    watch: Stopwatch
    name: str | None
    """What the customer is called, where something that is said calls them by name."""
    progress: Progress
    _drafts: dict[int, Letter] = field(default_factory=dict)
    _rows: dict[int, Row] = field(default_factory=dict)

    @property
    def ordinary(self) -> bool:
        """Whether it is answered with what every answer holds, and recorded."""
        return not (self.request.dry_run or self.request.placements) and self.request.explain == "none"

    def draft(self, made: Made) -> Letter:
        """The answer, if it is this that is granted."""
        if id(made) not in self._drafts:
            self._drafts[id(made)] = self._ordinary(made) or Letter.of(self._answer(made, recorded=True))
        return self._drafts[id(made)]

    def record(self, made: Made) -> Row:
        """What is kept of it then."""
        if id(made) not in self._rows:
            self._rows[id(made)] = row_of(_record(made, self.request, self.draft(made)))
        return self._rows[id(made)]

    def granted(self, kept: Made) -> Letter:
        """The answer, once it is granted and recorded."""
        found = self.draft(kept)
        self.watch.lap("record")
        return found.timed(self.watch.milliseconds())

    def silent(self, error: JournalUnavailableError) -> Proposal:
        """Nothing is offered instead, as it could not be recorded."""
        lack = Shortfall(Lack.JOURNAL_UNAVAILABLE, f"Nothing is offered: {error}.")
        self.watch.lap("record")
        return replace(self, made=replace(self.made, decision=silenced(self.made.decision, lack)), name=None)

    def unrecorded(self) -> Letter:
        """The answer that is not recorded."""
        return Letter.of(self._answer(self.made, recorded=False))

    def _ordinary(self, made: Made) -> Letter | None:
        """The answer that is recorded, where it is nothing out of the ordinary."""
        if not self.ordinary:
            return None
        timings = self.watch.milliseconds()
        return letter(made.decision, made.equipment, timings, self.arrived.warnings, self.name)

    def _answer(self, made: Made, recorded: bool) -> Answer:
        timings = self.watch.milliseconds()
        found = answer(made.decision, made.equipment, self.request.explain, timings, recorded, self.name)
        found.warnings.extend(self.arrived.warnings)
        found.placements = placed(self.request.placements or (), found.items)
        return found


def _record(made: Made, request: api.DecisionRequest, found: Letter) -> Record:
    decision = made.decision
    ask, seen, versions = decision.ask, decision.vectors, decision.versions
    return Record(
        ask.decision_id,
        ask.customer_id,
        ask.at,
        request.model_dump_json(exclude_unset=True),
        found.text.decode(),
        {
            "model": versions.model,
            "schema": versions.schema,
            "catalogue": versions.catalogue,
            "policy": versions.policy,
        },
        seen.names,
        tuple(decision.menu.named),
        decision.menu.seen,
        basis.to_bytes(decision, made.equipment),
        findings.to_bytes(decision),
        basis.state_of(decision),
    )
