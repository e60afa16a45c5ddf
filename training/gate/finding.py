"""What one check found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Mark(StrEnum):
    """How a check ended."""

    GOOD = "good"
    REFUSED = "refused"
    UNKNOWN = "not measurable"
    NO_VERDICT = "no verdict"


@dataclass(frozen=True, slots=True)
class Finding:
    """One check with its reason."""

    check: str
    mark: Mark
    reason: str
    numbers: Mapping[str, float] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.check}: {self.mark}. {self.reason}"
