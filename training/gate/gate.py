"""The gate: every check asked, one answer."""

from __future__ import annotations

from dataclasses import dataclass

from training.gate.checks import CHECKS
from training.gate.finding import Finding, Mark
from training.gate.question import Question
from training.gate.worth import CHECK as VALUE


@dataclass(frozen=True, slots=True)
class Answer:
    """Yes or no, with every reason."""

    findings: tuple[Finding, ...]

    @property
    def accepted(self) -> bool:
        """Nothing refuses it, and where its value can be measured it is more; no verdict is no acceptance."""
        return not self.against

    @property
    def proven(self) -> bool:
        """Whether its value was measured and is more."""
        return any(found.check == VALUE and found.mark is Mark.GOOD for found in self.findings)

    @property
    def against(self) -> tuple[Finding, ...]:
        """What speaks against it."""
        return tuple(found for found in self.findings if found.mark in (Mark.REFUSED, Mark.NO_VERDICT))

    @property
    def value(self) -> str:
        """What is known of its value, in a sentence."""
        return next((found.reason for found in self.findings if found.check == VALUE), "")

    def text(self) -> str:
        """Every check on a line of its own."""
        return "\n".join(f"  {found}" for found in self.findings)


def judge(question: Question) -> Answer:
    """Ask every check."""
    return Answer(tuple(check(question) for check in CHECKS))
