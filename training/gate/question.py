"""What the gate is asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from serving.settings import Settings
from training.gate.candidate import Candidate

Groups = Mapping[str, Mapping[str, str]]
"""By attribute: the group of each customer who told it."""


@dataclass(frozen=True, slots=True, eq=False)
class Question:
    """A challenger before the gate."""

    challenger: Candidate
    champion: Candidate | None
    settings: Settings
    groups: Groups
    drawn: bool
    """Whether enough decisions were logged with the probability of what they chose to tell two actions apart."""
