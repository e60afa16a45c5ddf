"""What may not follow something, what may only follow something, and what an open topic stops."""

from __future__ import annotations

import numpy as np

from features.domain import DAY, Instant, Kind
from features.instant import format_instant
from features.intent import FORGOTTEN, HALF_LIFE_DAYS, Topic
from features.schema import CUSTOMER
from features.state import NEVER, State
from serving.eligibility.objection import Objection, about
from serving.eligibility.past import category_of, happenings, remembered
from serving.eligibility.shelf import Flags, Shelf
from serving.eligibility.situation import Situation
from serving.pairs import memory_of
from serving.policy.policy import Sequence


def sequence(shelf: Shelf, situation: Situation) -> Objection | None:
    """Pairs that a sequence stops."""
    found: list[tuple[Flags, str]] = []
    for line, selected in shelf.sequences:
        stops = _open(line, situation) if line.while_open is not None else _event(line, shelf, situation)
        if stops is not None:
            found.append((selected, f"{line.name}: {stops}"))
    if not found:
        return None
    return about(
        np.logical_or.reduce([pairs for pairs, _ in found]),
        lambda place: next(text for pairs, text in found if pairs[place]),
    )


def _open(line: Sequence, situation: Situation) -> str | None:
    """Since when the topic is open; None where it is not."""
    since = [intent.at for intent in situation.known.intents if intent.topic == line.while_open]
    if line.while_open == Topic.COMPLAINT:
        # Nothing closes a complaint but time, so that the state alone tells it, too.
        complained = _complained(situation.known.activity)
        since += [complained] if complained != NEVER and situation.at - complained < _FORGOTTEN_US else []
    return f"{line.while_open} open since {format_instant(max(since))}" if since else None


def _complained(state: State | None) -> Instant:
    """The latest complaint that the state knows of; NEVER where it knows of none."""
    memory = None if state is None else memory_of(state, CUSTOMER)
    return NEVER if memory is None or not memory.keys else Instant(memory.instants.item(0, _COMPLAINTS))


_COMPLAINTS = [extreme.name for extreme in CUSTOMER.extremes].index("latest_complaints")
_FORGOTTEN_US = HALF_LIFE_DAYS[Topic.COMPLAINT] * float(np.log2(1 / FORGOTTEN)) * DAY


def _event(line: Sequence, shelf: Shelf, situation: Situation) -> str | None:
    """What happened that stops it, or that nothing happened that would allow it; None where it is not stopped."""
    if line.event is None:
        return None
    last = _last(line, line.event, shelf, situation)
    within = last is not None and (line.within_days is None or situation.at - last <= line.within_days * DAY)
    of = line.of_offer or line.of_category
    told = f"{line.event}{f' {of}' if of else ''}"
    if line.only_after:
        return None if within else f"only after {told}"
    return f"{told} {format_instant(last)}" if within and last is not None else None


def _last(line: Sequence, kind: Kind, shelf: Shelf, situation: Situation) -> Instant | None:
    kinds = frozenset({kind})
    told = [*happenings(situation, kinds), *remembered(situation, kinds)]
    fitting = (
        each.at
        for each in told
        if line.of_offer in (None, each.offer_id) and line.of_category in (None, category_of(shelf, each))
    )
    return max(fitting, default=None)
