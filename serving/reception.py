"""Takes a request as it came over the wire, has it decided, keeps the record, and gives the answer."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from features.clock import Clock
from features.domain import ChannelName, CustomerId, DecisionId, Instant, OfferId
from features.instant import parse_instant
from serving import api, basis, findings
from serving.clerk import Clerk, Write
from serving.decision import Ask, Decision, silenced
from serving.desk import Made
from serving.equipment import Equipment
from serving.figure import figure
from serving.identifier import RANDOM_BYTES, uuid7
from serving.journal import JournalUnavailableError, Record
from serving.journal.timeline import called
from serving.language import Language
from serving.policy.persona import Persona
from serving.problem import Fault, RefusalError
from serving.progress import Progress
from serving.shortfall import Lack, Shortfall
from serving.stopwatch import Stopwatch
from serving.welcome import Arrived, Receive, by_number
from serving.wire import answer
from serving.wording import addresses

FIRST, LAST = Instant(0), parse_instant("2199-12-31T23:59:59Z")
"""Bounds of the instants a request may choose."""
Heard = Callable[[Made, float, bool], None]
"""Told of every decision that was answered: what was made, in how many seconds, and whether it is recorded."""
Keep = Callable[[Made, Write], Made]
"""Grants and records what was made, and returns what was recorded."""


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

    def decide(self, request: api.DecisionRequest, progress: Progress | None = None) -> api.Answer:
        """The answer, recorded unless it is a dry run. Without a record nothing is offered.

        Raises:
            RefusalError: An unknown kind or channel, or an instant where the clock cannot be chosen.
        """
        watch, equipment, progress = Stopwatch(), self._equipment(), progress or Progress()
        _refuse_seed(request)
        _refuse_unknown(request, equipment)
        at = progress.at = self._at(request.at)
        arrived = self._receive(request)
        progress.customer_id = arrived.customer_id
        ask = ask_of(request, arrived.customer_id, at, new_id(at))
        if not request.dry_run:
            return self.keep(ask, request, equipment, arrived, watch, progress=progress)
        made = self._clerk.desk.decide(ask, equipment, watch.lap)
        self._heard(made, watch.seconds, False)
        return _answer(made, request, arrived, watch, False, self._called(made.decision))

    def decide_late(self, request: api.DecisionRequest, late: Progress, progress: Progress) -> api.Answer:
        """The answer with what a decision had come to know that is no longer waited for, recorded as any other."""
        if late.customer_id is None:
            return self.nothing(request, late)
        ask = self._late(request, late)
        made = self._clerk.desk.decide_late(ask, self._equipment(), late)
        return self._kept(made, request, Arrived(ask.customer_id), Stopwatch(), self._clerk.keep, progress)

    def nothing(self, request: api.DecisionRequest, late: Progress) -> api.Answer:
        """The answer that offers nothing and is not recorded, because there is no time left."""
        ask = self._late(request, late)
        watch = Stopwatch()
        made = self._clerk.desk.nothing(ask, self._equipment())
        self._heard(made, watch.seconds, False)
        return _answer(made, request, Arrived(ask.customer_id), Stopwatch(), False, None)

    def _late(self, request: api.DecisionRequest, late: Progress) -> Ask:
        at = self._at(request.at) if late.at is None else late.at
        return ask_of(request, late.customer_id or CustomerId(request.customer_id or ""), at, new_id(at))

    def keep(
        self,
        ask: Ask,
        request: api.DecisionRequest,
        equipment: Equipment,
        arrived: Arrived | None = None,
        watch: Stopwatch | None = None,
        kept_by: Keep | None = None,
        progress: Progress | None = None,
    ) -> api.Answer:
        """The answer to what is asked, recorded with the request. Without a record nothing is offered.

        Args:
            kept_by: Grants and records what was made, instead of the clerk. What it raises goes through, but for
                JournalUnavailableError.
        """
        watch, arrived = watch or Stopwatch(), arrived or Arrived(ask.customer_id)
        made = self._clerk.desk.decide(ask, equipment, watch.lap, progress)
        return self._kept(made, request, arrived, watch, kept_by or self._clerk.keep, progress or Progress())

    def _kept(
        self,
        made: Made,
        request: api.DecisionRequest,
        arrived: Arrived,
        watch: Stopwatch,
        keep: Keep,
        progress: Progress,
    ) -> api.Answer:
        name = self._called(made.decision)
        drafts = {id(made): _draft(made, request, arrived, watch, name)}  # written before anybody has to wait for it

        def record(kept: Made) -> Record:
            if kept is not made:
                drafts[id(kept)] = _draft(kept, request, arrived, watch, name)
            return drafts[id(kept)][1]

        if not progress.write():
            return drafts[id(made)][0]  # nobody waits for it any more
        recorded = True
        try:
            kept = keep(made, record)
            found = drafts[id(kept)][0]
            if progress.given_up:
                self._clerk.take_back(kept, "granted after the deadline")
        except JournalUnavailableError as error:
            lack = Shortfall(Lack.JOURNAL_UNAVAILABLE, f"Nothing is offered: {error}.")
            kept, recorded = replace(made, decision=silenced(made.decision, lack)), False
            found = _answer(kept, request, arrived, watch, False, None)
        watch.lap("record")
        if not progress.given_up:
            self._heard(kept, watch.seconds, recorded)
        found.timings_ms = watch.milliseconds()
        return found

    def imagine(self, request: api.PersonaRequest, persona: Persona) -> api.Answer:
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
        return answer(made.decision, made.equipment, request.explain, watch.milliseconds())

    def _called(self, decision: Decision) -> str | None:
        """What the customer is called, where something that is said calls them by name."""
        pairs = (item.scored.pair for item in decision.items)
        if not any(addresses(pair.offer, pair.channel.name) for pair in pairs if pair.offer.wording):
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


def _answer(
    made: Made,
    request: api.DecisionRequest,
    arrived: Arrived,
    watch: Stopwatch,
    recorded: bool,
    name: str | None,
) -> api.Answer:
    found = answer(made.decision, made.equipment, request.explain, watch.milliseconds(), recorded, name)
    found.warnings.extend(arrived.warnings)
    return found


def _draft(
    made: Made, request: api.DecisionRequest, arrived: Arrived, watch: Stopwatch, name: str | None
) -> tuple[api.Answer, Record]:
    """The answer and what is kept of it, if it is granted."""
    found = _answer(made, request, arrived, watch, True, name)
    return found, _record(made, request, found)


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
        None if request.channels is None else frozenset(ChannelName(name) for name in request.channels),
        request.limit,
        None if request.offer_id is None else OfferId(request.offer_id),
        request.contacts,
        request.context or {},
        request.seed,
        Language(request.language),
    )


def _refuse_seed(request: api.DecisionRequest) -> None:
    if request.seed is not None and not request.dry_run:
        detail = "Who sets the seed of a real decision chooses the action: send it with `dry_run`, or leave it out."
        raise RefusalError(422, "seed_not_allowed", detail, Fault(pointer="/seed", detail="allowed only with dry_run"))


def _refuse_unknown(request: api.Bounds, equipment: Equipment) -> None:
    """Names that the catalogue lacks; without a catalogue none can be told right from wrong."""
    catalogue = equipment.catalogue
    faults = []
    if catalogue.kinds and request.kind is not None and request.kind not in catalogue.kinds:
        faults.append(
            Fault(
                pointer="/kind", detail=f"no offer is of kind {request.kind!r}: use one of {', '.join(catalogue.kinds)}"
            )
        )
    if catalogue.offers and request.offer_id is not None and request.offer_id not in catalogue.offer:
        faults.append(Fault(pointer="/offer_id", detail=f"there is no offer {request.offer_id!r}: see GET /v1/offers"))
    for place, name in enumerate(request.channels or ()):
        if catalogue.channels and name not in catalogue.channel:
            known = ", ".join(catalogue.channel)
            faults.append(
                Fault(pointer=f"/channels/{place}", detail=f"there is no channel {name!r}: use some of {known}")
            )
    if faults:
        detail = f"The catalogue does not know what is asked for: {faults[0].detail}."
        raise RefusalError(422, "unknown_name", detail, *faults)


def _record(made: Made, request: api.DecisionRequest, found: api.Answer) -> Record:
    decision = made.decision
    ask, seen, versions = decision.ask, decision.vectors, decision.versions
    rows = [item.scored.row for item in decision.items]
    return Record(
        ask.decision_id,
        ask.customer_id,
        ask.at,
        request.model_dump_json(exclude_unset=True),
        found.model_dump_json(by_alias=True),
        {
            "model": versions.model,
            "schema": versions.schema,
            "catalogue": versions.catalogue,
            "policy": versions.policy,
        },
        seen.names,
        tuple((seen.pairs[row].offer.offer_id, seen.pairs[row].channel.name) for row in rows),
        seen.sight.rows(np.array(rows, dtype=np.intp)),
        basis.to_json(basis.basis_of(decision, made.equipment)),
        findings.to_json(findings.findings_of(decision)),
        basis.state_of(decision),
    )
