"""How far a job has come, as one small JSON document that is replaced as a whole."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from enum import StrEnum

from features.domain import Instant


class Stage(StrEnum):
    """What a job is at."""

    WAITING = "waiting"
    READING = "reading"
    SCORING = "scoring"
    DECIDING = "deciding"
    WRITING = "writing"
    DONE = "done"
    FAILED = "failed"


ENDED = frozenset({Stage.DONE, Stage.FAILED})


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a job has come. Counts are of customers, but ``errors``, which is of rows of the audience."""

    stage: Stage = Stage.WAITING
    customers: int = 0
    """In the audience, without rows that are wrong."""
    scored: int = 0
    decided: int = 0
    offered: int = 0
    """Of the decided, those to whom something is offered."""
    follow_ups: int = 0
    errors: int = 0
    begun_at: Instant | None = None
    ended_at: Instant | None = None
    restarts: int = 0
    """How often it was taken up again after its process had died."""
    why: str = ""
    """Why it failed."""

    def to_json(self) -> str:
        """The document."""
        return json.dumps(dataclasses.asdict(self))

    @staticmethod
    def from_json(text: str) -> Progress:
        """The progress that ``to_json`` wrote."""
        raw = json.loads(text)
        return Progress(**{**raw, "stage": Stage(raw["stage"])})
