"""What a rule has against pairs, or against moments of theirs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from features.quick import quick
from serving.eligibility.shelf import Flags, Places, Shelf
from serving.eligibility.situation import Situation
from serving.moments import Moments
from serving.pairs import Pair

Why = Callable[[int], str]
"""The value that decided for the pair at a place of the shelf. Asked for few pairs, so that it may be slow."""
Idle = Callable[[Shelf], bool]
"""True where a rule has nothing to say under a catalogue and policy, whoever is asked about."""


def never(_: Shelf) -> bool:
    """Of a rule that always has something to say."""
    return False


@quick(frozen=True, slots=True)
class Objection:
    """Pairs that a rule removes, ``[n_pairs]``."""

    pairs: Flags
    why: Why


@quick(frozen=True, slots=True)
class Closing:
    """Moments that a rule removes, ``[n_rows, n_moments]``; a pair falls only when none is left."""

    moments: Flags
    why: Why


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of the policy that looks at pairs. None: it has no objection to any."""

    name: str
    meaning: str
    objection: Callable[[Shelf, Situation], Objection | None]
    reads: int = 0
    """What it reads beside the request, a sum of what ``Situation.there`` tells: where none of that is there, it says
    what it says of everybody."""
    idle: Idle = never


@dataclass(frozen=True, slots=True)
class TimeRule:
    """One line of the policy that looks at the moments of pairs. It is told the places of those that are left."""

    name: str
    meaning: str
    closing: Callable[[Shelf, Situation, Moments, Places], Closing | None]
    idle: Idle = never


@quick(frozen=True, slots=True)
class Removal:
    """A pair that may not be offered, the rule that says so, and the value that decided."""

    pair: Pair
    rule: str
    value: str


def about(pairs: Flags, why: Why) -> Objection | None:
    """The objection to these pairs; None where there are none."""
    return Objection(pairs, why) if pairs.any() else None
