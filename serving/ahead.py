"""What is decided for several requests before each has its turn.

One stage after the other, each for all of them, takes a sixth less than one decision after the other: the code and the
tables of a stage are at hand from the second on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from time import perf_counter

from serving.briefing import Due
from serving.prepared import Prepared
from serving.proposal import Proposal

AHEAD_S = 0.01
"""How long is worked ahead: far less than a thread may take before another one takes over."""


class Ahead:
    """Decides for the thread that answers; another one that takes over decides anew."""

    def __init__(self) -> None:
        self.proposals = Prepared[Proposal]()
        """What was decided and not answered yet."""

    def decide(self, dues: Sequence[Due], propose: Callable[[Due], Proposal | None]) -> None:
        """Have proposals made, where there can be any yet, then their answers written, and then their records.

        What there is no time for, goes wrong, or may take long, as explanations do, is left to the turn of each.
        """
        until = perf_counter() + AHEAD_S
        for due in dues:
            if perf_counter() > until:
                return
            with suppress(Exception):
                found = propose(due)
                if found is not None:
                    self.proposals.keep(due.progress, found)
        for stage in (Proposal.draft, Proposal.record):
            for found in self.proposals.all():
                if perf_counter() > until:
                    return
                if found.ordinary:
                    with suppress(Exception):
                        stage(found, found.made)
