"""Takes a request as it came over the wire, has it decided, keeps the record, and gives the answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext

from features.clock import Clock
from features.domain import CustomerId, Instant
from serving import api
from serving.ahead import Ahead
from serving.answer_api import Answer
from serving.asking import ask_of
from serving.briefing import Briefing, Due
from serving.clerk import Clerk
from serving.decision import Ask
from serving.dispatch import Dispatch, Heard, Keep, unheard
from serving.equipment import Equipment
from serving.figure import figure
from serving.identifier import new_id
from serving.later import Later
from serving.letter import Letter
from serving.overdue import Overdue
from serving.placing import placed
from serving.policy.persona import Persona
from serving.progress import Progress
from serving.proposal import Proposal
from serving.refusing import chosen, refuse_seed, refuse_unknown
from serving.stopwatch import Stopwatch
from serving.welcome import Arrived, Receive, by_number
from serving.wire import answer


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
        self._briefing = briefing
        self._simulated = simulated
        self._ahead = Ahead()
        self._dispatch = Dispatch(clerk, heard)
        self.overdue = Overdue(clerk.desk, equipment, self._at, self._dispatch)
        """Answers those for whom there is no time left."""

    @contextmanager
    def together(self) -> Iterator[None]:
        """See Journal: what this thread decides meanwhile is recorded together at the end."""
        read = nullcontext() if self._briefing is None else self._briefing.briefs.kept()
        with self._journal.together(), read, self._ahead.proposals.kept():
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
        proposal = self._ahead.proposals.take(progress) or self._proposed(Due(request, progress))
        if proposal is not None:
            return self._dispatch.told(proposal)
        watch, equipment = Stopwatch(), self._equipment()
        refuse_seed(request)
        refuse_unknown(request, equipment)
        at = progress.at = self._at(request.at)
        arrived = self._receive(request, equipment.since(at))
        progress.customer_id = arrived.customer_id
        ask = ask_of(request, arrived.customer_id, at, new_id(at))
        made = self._clerk.desk.decide(ask, equipment, watch.lap, progress, arrived.met)
        return self._dispatch.told(self._dispatch.proposal(made, request, arrived, watch, progress))

    def _proposed(self, due: Due) -> Proposal | None:
        """What is decided for a customer of whom all was read already; None for others."""
        request, progress = due.request, due.progress
        brief = None if self._briefing is None else self._briefing.briefs.take(progress)
        if brief is None:
            return None
        watch, equipment, background = Stopwatch(brief.seconds), brief.equipment, brief.background
        refuse_seed(request)
        refuse_unknown(request, equipment)
        at = progress.at = background.at
        customer_id = progress.customer_id = background.customer_id
        ask = ask_of(request, customer_id, at, new_id(at))
        made = self._clerk.desk.decide(ask, equipment, watch.lap, progress, background=background)
        return self._dispatch.proposal(made, request, Arrived(customer_id), watch, progress)

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
        proposal = self._dispatch.proposal(made, request, Arrived(ask.customer_id), watch, progress)
        return self._dispatch.kept(proposal, kept_by).result().answer

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

    def _at(self, given: str | None) -> Instant:
        return self._clock.now() if given is None else chosen(given, self._simulated)
