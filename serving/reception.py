"""Takes a request as it came over the wire, has it decided, keeps the record, and gives the answer."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext

from features.clock import Clock
from features.domain import CustomerId, DecisionId, Instant
from serving import api
from serving.ahead import Ahead
from serving.answer_api import Answer
from serving.asking import ask_of
from serving.background import Background
from serving.briefing import Briefing, Due
from serving.clerk import Clerk, Write
from serving.decision import Ask, Decision
from serving.desk import Made
from serving.equipment import Equipment, Named
from serving.figure import figure
from serving.identifier import RANDOM_BYTES, uuid7
from serving.journal import JournalUnavailableError
from serving.journal.errors import ErasedMeanwhileError
from serving.journal.timeline import called
from serving.later import Later, after, there
from serving.letter import Letter
from serving.placing import placed
from serving.policy.persona import Persona
from serving.progress import Progress
from serving.proposal import Proposal
from serving.refusing import chosen, refuse_seed, refuse_unknown
from serving.stopwatch import Stopwatch
from serving.welcome import Arrived, Receive, by_number
from serving.wire import answer

Heard = Callable[[Made, float, bool], None]
"""Told of every decision that was answered: what was made, in how many seconds, and whether it is recorded."""
Keep = Callable[[Made, Write], Later[Made]]
"""Grants and records what was made; what was recorded comes when it is durable."""


def unheard(_made: Made, _seconds: float, _recorded: bool) -> None:
    """Tells nobody."""


class Reception:
    """Answers decision requests; ``simulated`` allows a request to choose its instant."""

    def __init__(
        self,
        clerk: Clerk,
        clock: Clock,
        equipment: Callable[[], Equipment],
        *,
        simulated: bool,
        receive: Receive = by_number,
        heard: Heard = unheard,
        briefing: Briefing | None = None,
    ) -> None:
        """``briefing`` is to be given where ``receive`` knows customers by the names that the journal has of them."""
        self._clerk = clerk
        self._journal = clerk.journal
        self._clock = clock
        self._equipment = equipment
        self._receive = receive
        self._heard = heard
        self._briefing = briefing
        self._simulated = simulated
        self._ahead = Ahead()

    @contextmanager
    def together(self) -> Iterator[None]:
        """See Journal: what this thread decides meanwhile is recorded together at the end."""
        read = nullcontext() if self._briefing is None else self._briefing.held.kept()
        with self._journal.together(), read, self._ahead.held.kept():
            yield

    def brief(self, dues: Sequence[Due]) -> None:
        """Read for these what can be read at once, and decide them, before this thread answers them together."""
        if self._briefing is not None:
            self._briefing.read(dues)
            self._ahead.decide(dues, self._proposed)

    def rehearse(self, most: int) -> None:
        """Be ready to decide as many together."""
        if self._briefing is not None:
            self._briefing.rehearse(most)

    def hurry(self) -> None:
        """See Journal."""
        self._journal.hurry()

    def decide(self, request: api.DecisionRequest, known: bool = False) -> Answer:
        """The answer, recorded unless it is a dry run. Without a record nothing is offered.

        ``known`` is as in Progress.

        Raises:
            RefusalError: An unknown kind or channel, or an instant where the clock cannot be chosen.
        """
        return self.decide_soon(request, Progress(known=known)).result().answer

    def decide_soon(self, request: api.DecisionRequest, progress: Progress) -> Later[Letter]:
        """As ``decide``; when this returns it is decided, and the answer comes when that is durable."""
        proposal = self._ahead.held.take(progress) or self._proposed(Due(request, progress))
        if proposal is not None:
            return self._told(proposal)
        watch, equipment = Stopwatch(), self._equipment()
        refuse_seed(request)
        refuse_unknown(request, equipment)
        at = progress.at = self._at(request.at)
        arrived = self._receive(request, equipment.since(at))
        progress.customer_id = arrived.customer_id
        ask = ask_of(request, arrived.customer_id, at, new_id(at))
        made = self._clerk.desk.decide(ask, equipment, watch.lap, progress, arrived.met)
        return self._told(self._proposal(made, request, arrived, watch, progress))

    def _proposed(self, due: Due) -> Proposal | None:
        """What is decided for a customer of whom all was read already; None for others."""
        request, progress = due.request, due.progress
        brief = None if self._briefing is None else self._briefing.held.take(progress)
        if brief is None:
            return None
        watch, equipment, background = Stopwatch(brief.seconds), brief.equipment, brief.background
        refuse_seed(request)
        refuse_unknown(request, equipment)
        at = progress.at = background.at
        customer_id = progress.customer_id = background.customer_id
        ask = ask_of(request, customer_id, at, new_id(at))
        made = self._clerk.desk.decide(ask, equipment, watch.lap, progress, background=background)
        return self._proposal(made, request, Arrived(customer_id), watch, progress)

    def _told(self, proposal: Proposal) -> Later[Letter]:
        """The answer, once it is recorded, unless it is a dry run's."""
        if not proposal.request.dry_run:
            return self._kept(proposal)
        self._heard(proposal.made, proposal.watch.seconds, False)
        return there(proposal.unrecorded())

    def decide_late(self, request: api.DecisionRequest, late: Progress, progress: Progress) -> Later[Letter]:
        """The answer with what a decision had come to know that is no longer waited for, recorded as any other."""
        background = late.background  # as one: whoever it was that is late may still go on
        if late.customer_id is None and background is None:
            return there(self.nothing(request, late))
        if late.customer_id is None:
            refuse_seed(request)
            refuse_unknown(request, self._equipment())
        ask = self._late(request, late, background)
        made = self._clerk.desk.decide_late(ask, self._equipment(), background)
        return self._kept(self._proposal(made, request, Arrived(ask.customer_id), Stopwatch(), progress))

    def nothing(self, request: api.DecisionRequest, late: Progress) -> Letter:
        """The answer that offers nothing and is not recorded, because there is no time left."""
        ask = self._late(request, late)
        watch = Stopwatch()
        made = self._clerk.desk.nothing(ask, self._equipment())
        self._heard(made, watch.seconds, False)
        return Proposal(made, request, Arrived(ask.customer_id), Stopwatch(), None, late).unrecorded()

    def _late(self, request: api.DecisionRequest, late: Progress, background: Background | None = None) -> Ask:
        if background is not None:
            return ask_of(request, background.customer_id, background.at, new_id(background.at))
        at = self._at(request.at) if late.at is None else late.at
        return ask_of(request, late.customer_id or CustomerId(request.customer_id or ""), at, new_id(at))

    def keep(
        self,
        ask: Ask,
        request: api.DecisionRequest,
        equipment: Equipment,
        kept_by: Keep | None = None,
        progress: Progress | None = None,
    ) -> Answer:
        """The answer to what is asked, recorded with the request. Without a record nothing is offered.

        Args:
            kept_by: Grants and records what was made, instead of the clerk. What it raises goes through, but for
                JournalUnavailableError.
        """
        watch, progress = Stopwatch(), progress or Progress()
        made = self._clerk.desk.decide(ask, equipment, watch.lap, progress)
        return (
            self._kept(self._proposal(made, request, Arrived(ask.customer_id), watch, progress), kept_by)
            .result()
            .answer
        )

    def _proposal(
        self, made: Made, request: api.DecisionRequest, arrived: Arrived, watch: Stopwatch, progress: Progress
    ) -> Proposal:
        return Proposal(made, request, arrived, watch, self._called(made.decision, made.equipment.addressing), progress)

    def _kept(self, proposal: Proposal, kept_by: Keep | None = None) -> Later[Letter]:
        """The answer once it is granted and recorded; it says so where that cannot be done."""
        if proposal.progress.known and not proposal.made.decision.circumstances.ledger.revision:
            return there(self._unrecorded(proposal, ErasedMeanwhileError("the customer was erased at this moment")))
        draft = proposal.draft(proposal.made)  # written before anybody has to wait for it
        if not proposal.progress.write():
            return there(draft)  # nobody waits for it any more

        def answered(written: Later[Made]) -> Letter:
            try:
                kept = written.result()
            except JournalUnavailableError as error:
                return self._unrecorded(proposal, error)
            if proposal.progress.given_up:
                self._clerk.take_back(kept, "granted after the deadline")
            found = proposal.granted(kept)
            if not proposal.progress.given_up:
                self._heard(kept, proposal.watch.seconds, True)
            return found

        try:
            return after((kept_by or self._clerk.keep_soon)(proposal.made, proposal.record), answered)
        except JournalUnavailableError as error:
            return there(self._unrecorded(proposal, error))

    def _unrecorded(self, proposal: Proposal, error: JournalUnavailableError) -> Letter:
        """The answer that offers nothing, as it could not be recorded."""
        silent = proposal.silent(error)
        found = silent.unrecorded()
        if not proposal.progress.given_up:
            self._heard(silent.made, proposal.watch.seconds, False)
        return found

    def imagine(self, request: api.PersonaRequest, persona: Persona) -> Answer:
        """The answer for a customer who does not exist. Nothing is reserved, recorded or counted.

        Raises:
            RefusalError: As ``decide``.
        """
        watch, equipment = Stopwatch(), self._equipment()
        refuse_unknown(request, equipment)
        at = self._at(request.at)
        found = figure(persona, equipment.catalogue, at)
        ask = ask_of(request, CustomerId(persona.persona_id), at, new_id(at))
        made = self._clerk.desk.imagine(ask, equipment, found.known, found.ledger)
        told = answer(made.decision, made.equipment, request.explain, watch.milliseconds())
        told.placements = placed(request.placements or (), told.items)
        return told

    def _called(self, decision: Decision, addressing: frozenset[Named]) -> str | None:
        """What the customer is called, where something that is said calls them by name."""
        if not addressing or addressing.isdisjoint(decision.menu.named):
            return None
        try:
            with self._journal.reading() as connection:
                return called(connection, decision.ask.customer_id)
        except JournalUnavailableError:
            return None

    def _at(self, given: str | None) -> Instant:
        return self._clock.now() if given is None else chosen(given, self._simulated)


def new_id(at: Instant) -> DecisionId:
    """An identifier that nobody had before."""
    return uuid7(at, os.urandom(RANDOM_BYTES))
