"""Answers where the deadline leaves no time to decide as usual: with what is known by then, or with nothing."""

from __future__ import annotations

from collections.abc import Callable

from features.domain import CustomerId, Instant
from serving import api
from serving.asking import ask_of
from serving.background import Background
from serving.decision import Ask
from serving.desk import Desk
from serving.dispatch import Dispatch
from serving.equipment import Equipment
from serving.identifier import new_id
from serving.later import Later, there
from serving.letter import Letter
from serving.progress import Progress
from serving.proposal import Proposal
from serving.refusing import refuse_seed, refuse_unknown
from serving.stopwatch import Stopwatch
from serving.welcome import Arrived


class Overdue:
    """Answers decision requests that are late."""

    def __init__(
        self,
        desk: Desk,
        equipment: Callable[[], Equipment],
        at: Callable[[str | None], Instant],
        dispatch: Dispatch,
    ) -> None:
        """``at`` is the instant as of which a request that gives one, or none, is decided."""
        self._desk, self._equipment, self._at, self._dispatch = desk, equipment, at, dispatch

    def decide(self, request: api.DecisionRequest, late: Progress, progress: Progress) -> Later[Letter]:
        """The answer with what a decision had come to know that is no longer waited for, recorded as any other."""
        background = late.background  # as one: whoever it was that is late may still go on
        if late.customer_id is None and background is None:
            return there(self.nothing(request, late))
        if late.customer_id is None:
            refuse_seed(request)
            refuse_unknown(request, self._equipment())
        ask = self._ask(request, late, background)
        made = self._desk.decide_late(ask, self._equipment(), background)
        return self._dispatch.kept(
            self._dispatch.proposal(made, request, Arrived(ask.customer_id), Stopwatch(), progress)
        )

    def nothing(self, request: api.DecisionRequest, late: Progress) -> Letter:
        """The answer that offers nothing and is not recorded, because there is no time left."""
        ask = self._ask(request, late)
        made = self._desk.nothing(ask, self._equipment())
        return self._dispatch.unrecorded(Proposal(made, request, Arrived(ask.customer_id), Stopwatch(), None, late))

    def _ask(self, request: api.DecisionRequest, late: Progress, background: Background | None = None) -> Ask:
        if background is not None:
            return ask_of(request, background.customer_id, background.at, new_id(background.at))
        at = self._at(request.at) if late.at is None else late.at
        return ask_of(request, late.customer_id or CustomerId(request.customer_id or ""), at, new_id(at))
