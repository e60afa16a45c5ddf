"""What is known of a request before anybody is asked about: what rules say of everybody, and which have more to say.

Of few customers there is much that a rule reads. The others stand on what is worked out here, once for all who ask for
the same under a catalogue and policy.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np

from features.domain import ChannelName, Instant, OfferId
from features.evidence import pool
from serving.eligibility.objection import Objection, Rule, TimeRule, Why
from serving.eligibility.removals import STAYS, Fell, Removals
from serving.eligibility.rules import RULES
from serving.eligibility.shelf import Flags, Places, Shelf
from serving.eligibility.situation import Situation
from serving.facts import Facts
from serving.pairs import stranger

MOST = 256
"""Of one shelf that are kept: callers choose what they ask for."""
_Asked = tuple[str | None, frozenset[ChannelName] | None, OfferId | None, int]


@dataclass(frozen=True, eq=False, slots=True)
class Footing:
    """What holds where no rule has more to say; arrays are shared and not to be written to."""

    shelf: Shelf
    fell: Fell
    """Before the kind is chosen."""
    whys: tuple[Why | None, ...]
    """By the number of the rule."""
    asked: tuple[tuple[int, Rule], ...]
    """Rules that have to be asked, with their numbers."""
    closing: tuple[tuple[int, TimeRule], ...]
    kind: str
    """The kind that was asked for, or the first that has an eligible pair."""
    rows: Places
    """Places of the eligible pairs, ascending."""
    removed: Removals
    _open: dict[int, Flags] = field(default_factory=dict)

    def open(self, n_moments: int) -> Flags:
        """Where none of the moments is closed, ``[n_eligible, n_moments]``: what cannot wait goes out at the first."""
        found = self._open.get(n_moments)
        if found is None:
            found = np.zeros((len(self.rows), n_moments), dtype=np.bool_)
            found[:, 0] = True
            found[self.shelf.timed[self.rows]] = True
            self._open[n_moments] = found
        return found


def footing(
    shelf: Shelf, kind: str | None, channels: frozenset[ChannelName] | None, offer_id: OfferId | None, there: int
) -> Footing:
    """That of everybody who asks for this and of whom ``there`` is to be read, see ``Situation.there``."""
    made, asked = _made(shelf), (kind, channels, offer_id, there)
    found = made.get(asked)
    if found is None:
        if len(made) >= MOST:
            made.clear()
        found = made[asked] = _footing(shelf, *asked)
    return found


@lru_cache(maxsize=4)  # the one in force, and one that is tried out; more would keep what is long out of force
def _made(shelf: Shelf) -> dict[_Asked, Footing]:  # noqa: ARG001
    """What was made for the pairs of a shelf."""
    return {}


def _footing(
    shelf: Shelf, kind: str | None, channels: frozenset[ChannelName] | None, offer_id: OfferId | None, there: int
) -> Footing:
    valid = Instant(shelf.begun)  # until ``ending``, or OUTSIDE is there and what reads the clock is asked
    nobody = Situation(Facts(stranger(valid), (), pool((), (), {}, valid)), kind, channels, offer_id)
    asked = tuple((number, rule) for number, rule in PAIR_RULES if rule.reads & there and not rule.idle(shelf))
    settled = ((number, rule) for number, rule in PAIR_RULES if not rule.reads & there)
    fell, whys = np.full(len(shelf.pairs), STAYS, dtype=np.uint8), list[Why | None]([None] * len(RULES))
    enter(fell, whys, ((number, rule.objection(shelf, nobody)) for number, rule in settled))
    closing = tuple((number, rule) for number, rule in TIME_RULES if not rule.idle(shelf))
    own, left, others = first_kind(shelf, nobody, fell), fell.copy(), whys.copy()
    if kind is None:
        remove_others(shelf, own, left, others)
    rows = np.flatnonzero(left == STAYS)
    removed = Removals(shelf, left, tuple(others), len(rows) == len(left))
    return Footing(shelf, fell, tuple(whys), asked, closing, own, rows, removed)


def enter(fell: Fell, whys: list[Why | None], objections: Iterable[tuple[int, Objection | None]]) -> None:
    """Let rules remove what they object to, in any order: of each pair the first of RULES tells why."""
    for number, objection in objections:
        if objection is not None:
            fell[objection.pairs & (fell > number)] = number
            whys[number] = objection.why


def first_kind(shelf: Shelf, situation: Situation, fell: Fell) -> str:
    """The kind asked for, or that of the offer asked for; else the first of the catalogue with an eligible pair, else
    the first."""
    if situation.kind is not None:
        return situation.kind
    asked = None if situation.offer_id is None else shelf.catalogue.offer.get(situation.offer_id)
    if asked is not None:
        return asked.kind
    stays = fell == STAYS
    return next((kind for kind, pairs in shelf.of_kind.items() if (pairs & stays).any()), next(iter(shelf.of_kind), ""))


def remove_others(shelf: Shelf, kind: str, fell: Fell, whys: list[Why | None]) -> None:
    """Let the first rule speak that could not before the kind was known."""
    if kind in shelf.of_kind:
        fell[~shelf.of_kind[kind]] = _KIND
        whys[_KIND] = lambda place: shelf.pairs[place].offer.kind


PAIR_RULES = [(number, rule) for number, rule in enumerate(RULES) if isinstance(rule, Rule)]
TIME_RULES = [(number, rule) for number, rule in enumerate(RULES) if isinstance(rule, TimeRule)]
_KIND = next(number for number, rule in enumerate(RULES) if rule.name == "kind")
