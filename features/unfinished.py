"""What a customer's state says of topics that may be open: that none can be, or which events to look for."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from features.domain import OTHER, Instant, Kind
from features.intent import CLOSING, MATTERS_US, OPENING, closable
from features.quick import quick
from features.schema import BY_CATEGORY, CUSTOMER, INTEREST, PURCHASES, SCHEMA, SERVICE, Measure, Section
from features.state import Memory, State


@quick(frozen=True, slots=True)
class Unfinished:
    """Which events may have begun what is open, and which may have ended it."""

    begun: tuple[Kind, ...]
    ended: tuple[tuple[Kind, Instant], ...]
    """Each kind with an instant after which none of it came."""


def unfinished(state: State | None, at: Instant) -> Unfinished | None:
    """None where nothing can be open at the instant, as for most customers.

    The state remembers every event that counts, so what it says of the latest of some kinds holds of each of them.
    """
    if state is None or not (customer := state.memories[_CUSTOMER]).keys:
        return None
    latest = customer.instants[0].tolist()
    found: list[Kind] = []
    if latest[_INTEREST] >= at - _INTEREST_US and not _ended(latest, state.memories[_CATEGORIES], at):
        found += _possible(_CLOSABLE, latest, at)
    if latest[_SERVICE] >= at - _SERVICE_US:
        found += _possible(_LASTING, latest, at)
    return Unfinished(tuple(found), tuple([(kind, latest[place]) for kind, place in _CLOSING])) if found else None


def _ended(latest: Sequence[int], categories: Memory, at: Instant) -> bool:
    """True where all interest ended in a purchase: any one ends what has no category, else it is one in the category.

    What happened after ``at`` hides what happened before it, and OTHER may be any category: there, nothing is certain.
    """
    if not latest[_INTEREST] <= latest[_BOUGHT] <= at:
        return False
    since = at - _INTEREST_US
    if not categories.keys or np.maximum.reduce(categories.instants[:, _INTEREST_IN]) < since:
        return True
    return all(
        told[_INTEREST_IN] < since or (key != OTHER and told[_INTEREST_IN] <= told[_BOUGHT_IN])
        for key, told in zip(categories.keys, categories.instants.tolist(), strict=True)
    )


def _possible(kinds: Sequence[tuple[Kind, int, tuple[int, ...]]], latest: Sequence[int], at: Instant) -> list[Kind]:
    """Of these kinds, those of which there may have been an event that matters."""
    return [kind for kind, span, places in kinds if all(latest[place] >= at - span for place in places)]


def _place(section: Section, measure: Measure) -> int:
    """Where the section remembers the latest event of the measure."""
    return next(place for place, e in enumerate(section.extremes) if e.measure is measure and not e.earliest)


def _places(kind: Kind) -> tuple[int, ...]:
    """Where a customer's memory says of an event of the kind that it was no later."""
    return tuple(place for place, e in enumerate(CUSTOMER.extremes) if kind in e.measure.kinds and not e.earliest)


_CUSTOMER, _CATEGORIES = SCHEMA.index(CUSTOMER), SCHEMA.index(BY_CATEGORY)
_INTEREST, _BOUGHT, _SERVICE = (_place(CUSTOMER, measure) for measure in (INTEREST, PURCHASES, SERVICE))
_INTEREST_IN, _BOUGHT_IN = (_place(BY_CATEGORY, measure) for measure in (INTEREST, PURCHASES))
_KINDS = [(kind, MATTERS_US[kind], _places(kind)) for kind in sorted(OPENING)]
_CLOSABLE = [each for each in _KINDS if closable(each[0])]
_LASTING = [each for each in _KINDS if not closable(each[0])]
_INTEREST_US, _SERVICE_US = (max(span for _, span, _ in kinds) for kinds in (_CLOSABLE, _LASTING))
_CLOSING = [(kind, _places(kind)[0]) for kind in sorted(CLOSING)]
