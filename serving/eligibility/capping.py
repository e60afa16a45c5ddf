"""Caps: the moments at which one contact more with this customer would be too many."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from serving.eligibility.objection import Closing
from serving.eligibility.shelf import Flags, Places, Shelf
from serving.eligibility.situation import Situation
from serving.eligibility.timing import length_text
from serving.ledger.contact import Contact
from serving.ledger.counting import holding, kept_slots, length_us, stretch, subjects
from serving.moments import Moments
from serving.policy.policy import Cap
from serving.policy.window import Window


@dataclass(frozen=True, slots=True)
class _Class:
    """Pairs whose messages have the same slots left to them."""

    pairs: Flags | None
    """None: all of them."""
    held: tuple[Contact, ...]
    kept: tuple[int, ...]
    """Slots of each cap that are not for them."""


def capped(shelf: Shelf, situation: Situation, moments: Moments, rows: Places) -> Closing | None:
    """Moments at which one message more would break a cap."""
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
    caps, ledger = shelf.policy.caps, situation.ledger
    if not caps:
        return
    found: dict[tuple[tuple[Contact, ...], tuple[int, ...]], list[int]] = {}
    for priority in np.unique(shelf.priority[rows]).tolist():
        held = tuple(holding(ledger.contacts, situation.at, priority))
        kept = tuple(kept_slots(shelf.policy.kept, cap, priority) for cap in caps)
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
    counted = [
        (numbers[subject], contact.moment)
        for contact in held
        if first < contact.moment < last
        for subject in subjects(cap.per, contact)
        if cap.of in (None, subject) and subject in numbers
    ]
    if len(counted) < free:
        return None
    which, times = np.array(counted, dtype=np.int64).T
    over = crowded(cap.window, free, which, times, len(numbers), moments)
    return over if over.any() else None


def crowded(
    window: Window, free: int, which: NDArray[np.int64], times: NDArray[np.int64], n_subjects: int, moments: Moments
) -> Flags:
    """Where one contact more would make more than ``free`` in a window, ``[n_subjects, n_moments]``.

    The same as ``serving.ledger.counting.full`` for each subject by itself.

    Args:
        which: The number of each contact's subject, ``[n_contacts]``.
        times: When each contact is, microseconds UTC.
    """
    over = np.zeros((n_subjects, len(moments)), dtype=np.bool_)
    order = np.lexsort((times, which))
    which, times = which[order], times[order]
    # Where a window holds that many contacts and the moment, it holds so many that follow each other, and the moment.
    runs = which[free - 1 :] == which[: len(which) - free + 1]
    of, first, last = which[free - 1 :][runs], times[: len(times) - free + 1][runs], times[free - 1 :][runs]
    if window.calendar is not None:
        begun, ended = (stretch(window.calendar, each, moments.zone)[:, None] for each in (first, last))
        held = (begun == ended) & (begun == moments.stretch(window.calendar))
    else:
        now = moments.instants
        held = np.maximum(last[:, None], now) - np.minimum(first[:, None], now) < length_us(window)
    for subject, at in zip(of.tolist(), held, strict=True):
        over[subject] |= at
    return over
