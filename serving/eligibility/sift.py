"""One pass over all pairs: what may be offered, at which moments, and why the rest may not."""

from __future__ import annotations

import numpy as np

from features.quick import quick
from serving.eligibility.footing import Footing, enter, first_kind, footing, remove_others
from serving.eligibility.objection import Objection, Why
from serving.eligibility.removals import STAYS, Fell, Removals
from serving.eligibility.shelf import Flags, Places, Shelf
from serving.eligibility.situation import Situation
from serving.moments import Moments


@quick(frozen=True)
class Sifted:
    """What the rules leave; arrays may be shared between decisions and are not to be written to."""

    kind: str
    """The kind that was asked for, or the first that has an eligible pair."""
    rows: Places
    """Places of the eligible pairs on the shelf, ascending."""
    moments: Moments
    open: Flags
    """At which moments each may go out, ``[n_eligible, n_moments]``; at least one."""
    removed: Removals


def sift(shelf: Shelf, situation: Situation) -> Sifted:
    """The pairs to which no rule objects, and every other pair with its first objection.

    Rules of time come last. They take moments away from promotions that interrupt the customer; everything else goes
    out now.
    """
    there = situation.there(shelf.begun, shelf.ending)
    common = footing(shelf, situation.kind, situation.channels, situation.offer_id, there)
    known = situation.facts.known
    moments = shelf.timetable.moments(known.at, known.zone, situation.now_only)
    objections: list[tuple[int, Objection]] = []
    for number, rule in common.asked:
        objection = rule.objection(shelf, situation)
        if objection is not None:
            objections.append((number, objection))
    if not objections and not common.closing and moments.instants[-1] <= shelf.ending:
        return Sifted(common.kind, common.rows, moments, common.open(len(moments.instants)), common.removed)
    fell, whys = common.fell.copy(), list(common.whys)
    enter(fell, whys, objections)
    left = _left(common, situation, moments, fell, whys)
    kind = first_kind(shelf, situation, fell)
    if situation.kind is None:
        remove_others(shelf, kind, fell, whys)
    rows = np.flatnonzero(fell == STAYS)
    whole = len(rows) == len(fell)
    return Sifted(kind, rows, moments, left if whole else left[rows], Removals(shelf, fell, whys, whole))


def _left(common: Footing, situation: Situation, moments: Moments, fell: Fell, whys: list[Why | None]) -> Flags:
    """The moments of every pair, ``[n_pairs, n_moments]``; those that have none fall."""
    shelf = common.shelf
    left = np.zeros((len(shelf.pairs), len(moments)), dtype=np.bool_)
    left[:, 0] = True
    rows = np.flatnonzero(shelf.timed & (fell == STAYS))
    if not len(rows):
        return left
    if moments.instants[-1] <= shelf.ending:
        left[rows] = True
    else:
        left[rows] = moments.instants <= shelf.valid_to[rows][:, None]
    for number, rule in common.closing:
        closing = rule.closing(shelf, situation, moments, rows) if len(rows) else None
        if closing is not None:
            left[rows] &= ~closing.moments
            stays = left[rows].any(axis=1)
            fell[rows[~stays]] = number
            whys[number] = closing.why
            rows = rows[stays]
    return left
