"""Has what was decided granted and recorded, and answers then."""

from __future__ import annotations

from collections.abc import Callable

from serving import api
from serving.clerk import Clerk, Write
from serving.decision import Decision
from serving.desk import Made
from serving.equipment import Named
from serving.journal import JournalUnavailableError
from serving.journal.errors import ErasedMeanwhileError
from serving.journal.timeline import called
from serving.later import Later, after, there
from serving.letter import Letter
from serving.progress import Progress
from serving.proposal import Proposal
from serving.stopwatch import Stopwatch
from serving.welcome import Arrived

Heard = Callable[[Made, float, bool], None]
"""Told of every decision that was answered: what was made, in how many seconds, and whether it is recorded."""
Keep = Callable[[Made, Write], Later[Made]]
"""Grants and records what was made; what was recorded comes when it is durable."""


def unheard(_made: Made, _seconds: float, _recorded: bool) -> None:
    """Tells nobody."""


class Dispatch:
    """The way of a decision from where it is made to its answer."""

    def __init__(self, clerk: Clerk, heard: Heard = unheard) -> None:
        self._clerk, self._journal = clerk, clerk.journal
        self._heard = heard

    def proposal(
        self, made: Made, request: api.DecisionRequest, arrived: Arrived, watch: Stopwatch, progress: Progress
    ) -> Proposal:
        """What was made, on its way to whoever asked for it."""
        return Proposal(made, request, arrived, watch, self._called(made.decision, made.equipment.addressing), progress)

    def told(self, proposal: Proposal) -> Later[Letter]:
        """The answer, once it is recorded, unless it is a dry run's."""
        if not proposal.request.dry_run:
            return self.kept(proposal)
        return there(self.unrecorded(proposal))

    def unrecorded(self, proposal: Proposal) -> Letter:
        """The answer that is not recorded."""
        self._heard(proposal.made, proposal.watch.seconds, False)
        return proposal.unrecorded()

    def kept(self, proposal: Proposal, kept_by: Keep | None = None) -> Later[Letter]:
        """The answer once it is granted and recorded; it says so where that cannot be done."""
        if proposal.progress.known and not proposal.made.decision.circumstances.ledger.revision:
            return there(self._silent(proposal, ErasedMeanwhileError("the customer was erased at this moment")))
        draft = proposal.draft(proposal.made)  # written before anybody has to wait for it
        if not proposal.progress.write():
            return there(draft)  # nobody waits for it any more

        def answered(written: Later[Made]) -> Letter:
            try:
                kept = written.result()
            except JournalUnavailableError as error:
                return self._silent(proposal, error)
            if proposal.progress.given_up:
                self._clerk.take_back(kept, "granted after the deadline")
            found = proposal.granted(kept)
            if not proposal.progress.given_up:
                self._heard(kept, proposal.watch.seconds, True)
            return found

        try:
            return after((kept_by or self._clerk.keep_soon)(proposal.made, proposal.record), answered)
        except JournalUnavailableError as error:
            return there(self._silent(proposal, error))

    def _silent(self, proposal: Proposal, error: JournalUnavailableError) -> Letter:
        """The answer that offers nothing, as it could not be recorded."""
        silent = proposal.silent(error)
        found = silent.unrecorded()
        if not proposal.progress.given_up:
            self._heard(silent.made, proposal.watch.seconds, False)
        return found

    def _called(self, decision: Decision, addressing: frozenset[Named]) -> str | None:
        """What the customer is called, where something that is said calls them by name."""
        if not addressing or addressing.isdisjoint(decision.menu.named):
            return None
        try:
            with self._journal.reading() as connection:
                return called(connection, decision.ask.customer_id)
        except JournalUnavailableError:
            return None
