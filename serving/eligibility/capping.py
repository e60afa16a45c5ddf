"""Caps: the moments at which one contact more with this customer would be too many."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from features.quick import quick
from serving.eligibility.objection import Closing
from serving.eligibility.shelf import Flags, Places, Shelf
from serving.eligibility.situation import Situation
from serving.eligibility.timing import length_text
from serving.ledger.contact import Contact
from serving.ledger.counting import holding, kept_slots, length_us, stretch, subjects
from serving.moments import Moments
from serving.policy.policy import Cap
from serving.policy.window import Window


@quick(frozen=True, slots=True)
class _Class:
    """Pairs whose messages have the same slots left to them."""

    pairs: Flags | None
    """None: all of them."""
    held: tuple[Contact, ...]
    kept: tuple[int, ...]
    """Slots of each cap that are not for them."""


def capped(shelf: Shelf, situation: Situation, moments: Moments, rows: Places) -> Closing | None:
    """Moments at which one message more would break a cap."""
    if not shelf.policy.caps:
        return None
    closed = np.zeros((len(rows), len(moments)), dtype=np.bool_)
    blamed: list[tuple[Cap, _Class, Flags]] = []
    for each in _classes(shelf, situation, rows):
        for cap, kept in zip(shelf.policy.caps, each.kept, strict=True):
            over = _over(cap, cap.most - kept, shelf, each.held, moments)
            if over is not None:
                mine = over[shelf.subjects[cap.per].of[rows]]
                closed |= mine if each.pairs is None else mine & each.pairs[rows][:, None]
                blamed.append((cap, each, over))

    def why(place: int) -> str:
        mine = [(c, over) for c, each, over in blamed if each.pairs is None or each.pairs[place]]
        caps = [cap for cap, over in mine if over[shelf.subjects[cap.per].of[place]].any()]
        return "; ".join(f"{cap.name}: at most {cap.most} {length_text(cap.window)}" for cap in caps)

    return Closing(closed, why) if blamed else None


def _classes(shelf: Shelf, situation: Situation, rows: Places) -> Iterator[_Class]:
    """A message of higher priority has more slots: it may use those kept, and displace lesser reservations."""
    caps, ledger, keeps = shelf.policy.caps, situation.ledger, shelf.policy.kept
    contacts = sorted(ledger.contacts, key=lambda contact: contact.moment)
    found: dict[tuple[tuple[Contact, ...], tuple[int, ...]], list[int]] = {}
    for priority in shelf.priorities if len(shelf.priorities) == 1 else np.unique(shelf.priority[rows]).tolist():
        held = tuple(holding(contacts, situation.at, priority))
        kept = tuple(kept_slots(keeps, cap, priority) for cap in caps)
        found.setdefault((held, kept), []).append(priority)
    for (held, kept), priorities in found.items():
        yield _Class(None if len(found) == 1 else np.isin(shelf.priority, priorities), held, kept)


def _over(cap: Cap, free: int, shelf: Shelf, held: Sequence[Contact], moments: Moments) -> Flags | None:
    """Where the cap is full, by subject, ``[n_subjects, n_moments]``; None where it nowhere is."""
    numbers = shelf.subjects[cap.per].numbers
    if free <= 0:
        over = np.zeros((len(numbers), len(moments)), dtype=np.bool_)
        over[list(numbers.values()) if cap.of is None else [numbers[cap.of]] if cap.of in numbers else []] = True
        return over if over.any() else None
    length = length_us(cap.window)
    first, last = int(moments.instants[0]) - length, int(moments.instants[-1]) + length
    times: dict[int, list[int]] = defaultdict(list)
    for contact in held:
        if first < contact.moment < last:
            for subject in subjects(cap.per, contact):
                if cap.of in (None, subject) and subject in numbers:
                    times[numbers[subject]].append(contact.moment)
    enough = {number: told for number, told in times.items() if len(told) >= free}
    if not enough:
        return None
    over = np.zeros((len(numbers), len(moments)), dtype=np.bool_)
    crowd(over, cap.window, free, enough, moments)
    return over


def crowd(over: Flags, window: Window, free: int, times: Mapping[int, Sequence[int]], moments: Moments) -> None:
    """Mark where one contact more would make more than ``free`` in a window, ``[n_subjects, n_moments]``.

    The same as ``serving.ledger.counting.full`` for each subject by itself.

    Args:
        times: When the contacts of each subject are, ascending, by the subject's number.
    """
    if window.calendar is not None:
        ahead = moments.stretch(window.calendar)
        for number, told in times.items():
            held = Counter(stretch(window.calendar, np.array(told, dtype=np.int64), moments.zone).tolist())
            for which in (which for which, count in held.items() if count >= free):
                over[number] |= ahead == which
        return
    instants, length = moments.instants.tolist(), length_us(window)
    for number, told in times.items():
        # A window with so many contacts and the moment in it holds so many that follow each other, and the moment.
        for begun, ended in zip(told, told[free - 1 :], strict=False):
            if ended - begun < length:
                over[number, bisect_right(instants, ended - length) : bisect_left(instants, begun + length)] = True
