"""Takes a request as it came over the wire, has it decided, keeps the record, and gives the answer."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import cast

from features.clock import Clock
from features.domain import ChannelName, CustomerId, DecisionId, Instant, OfferId
from features.instant import parse_instant
from serving import api
from serving.answer_api import Answer
from serving.clerk import Clerk, Write
from serving.decision import Ask, Decision
from serving.desk import Made
from serving.equipment import Equipment, Named
from serving.figure import figure
from serving.identifier import RANDOM_BYTES, uuid7
from serving.journal import JournalUnavailableError
from serving.journal.timeline import called
from serving.language import Language
from serving.later import Later, after, there
from serving.letter import Letter
from serving.placing import placed
from serving.policy.persona import Persona
from serving.problem import Fault, RefusalError
from serving.progress import Progress
from serving.proposal import Proposal
from serving.stopwatch import Stopwatch
from serving.welcome import Arrived, Receive, by_number
from serving.wire import answer

FIRST, LAST = Instant(0), parse_instant("2199-12-31T23:59:59Z")
"""Bounds of the instants a request may choose."""
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
    ) -> None:
        self._clerk = clerk
        self._journal = clerk.journal
        self._clock = clock
        self._equipment = equipment
        self._receive = receive
        self._heard = heard
        self._simulated = simulated

    def together(self) -> AbstractContextManager[None]:
        """See Journal: what this thread decides meanwhile is recorded together at the end."""
        return self._journal.together()

    def hurry(self) -> None:
        """See Journal."""
        self._journal.hurry()

    def decide(self, request: api.DecisionRequest) -> Answer:
        """The answer, recorded unless it is a dry run. Without a record nothing is offered.

        Raises:
            RefusalError: An unknown kind or channel, or an instant where the clock cannot be chosen.
        """
        return self.decide_soon(request, Progress()).result().answer

    def decide_soon(self, request: api.DecisionRequest, progress: Progress) -> Later[Letter]:
        """As ``decide``; when this returns it is decided, and the answer comes when that is durable."""
        watch, equipment = Stopwatch(), self._equipment()
        _refuse_seed(request)
        _refuse_unknown(request, equipment)
        at = progress.at = self._at(request.at)
        arrived = self._receive(request, equipment.since(at))
        progress.customer_id = arrived.customer_id
        ask = ask_of(request, arrived.customer_id, at, new_id(at))
        if request.dry_run:
            made = self._clerk.desk.decide(ask, equipment, watch.lap, met=arrived.met)
            self._heard(made, watch.seconds, False)
            return there(self._proposal(made, request, arrived, watch, progress).unrecorded())
        made = self._clerk.desk.decide(ask, equipment, watch.lap, progress, arrived.met)
        return self._kept(self._proposal(made, request, arrived, watch, progress))

    def decide_late(self, request: api.DecisionRequest, late: Progress, progress: Progress) -> Later[Letter]:
        """The answer with what a decision had come to know that is no longer waited for, recorded as any other."""
        if late.customer_id is None:
            return there(self.nothing(request, late))
        ask = self._late(request, late)
        made = self._clerk.desk.decide_late(ask, self._equipment(), late)
        return self._kept(self._proposal(made, request, Arrived(ask.customer_id), Stopwatch(), progress))

    def nothing(self, request: api.DecisionRequest, late: Progress) -> Letter:
        """The answer that offers nothing and is not recorded, because there is no time left."""
        ask = self._late(request, late)
        watch = Stopwatch()
        made = self._clerk.desk.nothing(ask, self._equipment())
        self._heard(made, watch.seconds, False)
        return Proposal(made, request, Arrived(ask.customer_id), Stopwatch(), None, late).unrecorded()

    def _late(self, request: api.DecisionRequest, late: Progress) -> Ask:
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
        _refuse_unknown(request, equipment)
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
        if given is None:
            return self._clock.now()
        if not self._simulated:
            detail = "The service decides as of now: leave `at` out, or run it with KAIROS_CLOCK=simulated."
            raise RefusalError(
                422, "at_not_allowed", detail, Fault(pointer="/at", detail="allowed only under the simulated clock")
            )
        at = parse_instant(given)
        if not FIRST <= at <= LAST:
            detail = f"{given} is no instant to decide as of: choose one from 1970 to 2199."
            raise RefusalError(422, "at_out_of_range", detail, Fault(pointer="/at", detail="choose 1970 to 2199"))
        return at


def new_id(at: Instant) -> DecisionId:
    """An identifier that nobody had before."""
    return uuid7(at, os.urandom(RANDOM_BYTES))


def ask_of(request: api.Bounds, customer_id: CustomerId, at: Instant, decision_id: DecisionId) -> Ask:
    """What a request asks, for the customer whom it turned out to mean."""
    return Ask(
        decision_id,
        customer_id,
        at,
        request.kind,
        _channels(request),
        request.limit,
        None if request.offer_id is None else OfferId(request.offer_id),
        request.contacts,
        request.context or {},
        request.seed,
        _LANGUAGES[request.language],
    )


_LANGUAGES = {each.value: each for each in Language}


def _channels(request: api.Bounds) -> frozenset[ChannelName] | None:
    """Channels to use; None where the request names none."""
    if request.channels is None and request.placements is None:
        return None
    named = frozenset(request.channels or ())
    if request.placements is not None:
        named |= {each.channel for each in request.placements}
    return cast(frozenset[ChannelName], named)


def _refuse_seed(request: api.DecisionRequest) -> None:
    if request.seed is not None and not request.dry_run:
        detail = "Who sets the seed of a real decision chooses the action: send it with `dry_run`, or leave it out."
        raise RefusalError(422, "seed_not_allowed", detail, Fault(pointer="/seed", detail="allowed only with dry_run"))


def _refuse_unknown(request: api.Bounds, equipment: Equipment) -> None:
    """Names that the catalogue lacks; without a catalogue none can be told right from wrong."""
    catalogue = equipment.catalogue
    if (
        (request.kind is None or request.kind in catalogue.kinds)
        and (request.offer_id is None or request.offer_id in catalogue.offer)
        and request.placements is None
        and catalogue.channel.keys() >= set(request.channels or ())
    ):
        return
    faults = []
    if catalogue.kinds and request.kind is not None and request.kind not in catalogue.kinds:
        faults.append(
            Fault(
                pointer="/kind", detail=f"no offer is of kind {request.kind!r}: use one of {', '.join(catalogue.kinds)}"
            )
        )
    if catalogue.offers and request.offer_id is not None and request.offer_id not in catalogue.offer:
        faults.append(Fault(pointer="/offer_id", detail=f"there is no offer {request.offer_id!r}: see GET /v1/offers"))
    named = [(f"/channels/{place}", name) for place, name in enumerate(request.channels or ())]
    named += [(f"/placements/{place}/channel", each.channel) for place, each in enumerate(request.placements or ())]
    for where, name in named:
        if catalogue.channels and name not in catalogue.channel:
            known = ", ".join(catalogue.channel)
            faults.append(Fault(pointer=where, detail=f"there is no channel {name!r}: use some of {known}"))
    if faults:
        detail = f"The catalogue does not know what is asked for: {faults[0].detail}."
        raise RefusalError(422, "unknown_name", detail, *faults)
