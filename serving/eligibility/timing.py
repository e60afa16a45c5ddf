"""Which moments are left to a promotion that interrupts: hours that are quiet, capacity that is used up."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from features.domain import Instant
from serving.eligibility.objection import Closing
from serving.eligibility.shelf import Flags, Places, Shelf
from serving.eligibility.situation import Situation
from serving.ledger.counting import stretch
from serving.ledger.shared import window_key
from serving.moments import Moments
from serving.policy.window import Unit, Window


def quiet_hours(shelf: Shelf, _: Situation, moments: Moments, rows: Places) -> Closing | None:
    """Moments at which the channel is silent."""
    silent = shelf.timetable.silent(moments)
    if silent is None:
        return None
    return Closing(
        silent[shelf.channel[rows]],
        lambda place: f"{shelf.pairs[place].channel.name} is quiet at {_clock(moments)}",
    )


def no_capacity(shelf: Shelf, situation: Situation, moments: Moments, rows: Places) -> Closing | None:
    """Moments in a stretch of the calendar whose capacity or budget is used up, by all customers together."""
    if not shelf.policy.capacities and not shelf.budgets:
        return None
    found = [*_capacities(shelf, situation, moments), *_budgets(shelf, situation, moments, rows)]
    if not found:
        return None
    closed = np.zeros((len(rows), len(moments)), dtype=np.bool_)
    for _, pairs, over in found:
        closed |= pairs[rows][:, None] & over
    return Closing(closed, lambda place: "; ".join(dict.fromkeys(text for text, pairs, _ in found if pairs[place])))


def _capacities(shelf: Shelf, situation: Situation, moments: Moments) -> Iterator[tuple[str, Flags, Flags]]:
    for capacity in shelf.policy.capacities:
        keys = _keys("capacity", capacity.name, capacity.window, moments)
        over = _each(keys, {key: situation.used_up(key, 1, capacity.most) for key in keys})
        if over.any():
            pairs = shelf.on(name == capacity.channel for name in shelf.channel_names())
            yield f"{capacity.name}: {capacity.most} contacts {length_text(capacity.window)}", pairs, over


def _budgets(shelf: Shelf, situation: Situation, moments: Moments, rows: Places) -> Iterator[tuple[str, Flags, Flags]]:
    for budget, selected in shelf.budgets:
        if budget.window is None:
            continue
        keys = _keys("budget", budget.name, budget.window, moments)
        for spend in np.unique(shelf.spend_minor[rows]).tolist():
            over = _each(keys, {key: situation.used_up(key, spend, budget.most_minor) for key in keys})
            if over.any():
                text = f"{budget.name}: {budget.most_minor:g} minor units {length_text(budget.window)}"
                yield text, selected & (shelf.spend_minor == spend), over


def _keys(noun: str, name: str, window: Window | None, moments: Moments) -> list[str]:
    """The key of the stretch that holds each moment; few stretches hold them all."""
    numbers = stretch((window and window.calendar) or Unit.DAY, moments.instants, "UTC")
    _, firsts, which = np.unique(numbers, return_index=True, return_inverse=True)
    keys = [window_key(noun, name, window, Instant(int(moments.instants[first]))) for first in firsts]
    return [keys[number] for number in which.tolist()]


def _each(keys: list[str], used_up: dict[str, bool]) -> Flags:
    """Moments in a stretch that is used up, ``[n_moments]``."""
    return np.array([used_up[key] for key in keys], dtype=np.bool_)


def length_text(window: Window | None) -> str:
    """A window, for people; None is that of a capacity without one."""
    if window is None:
        return "in all"
    return f"in any {window.hours:g} hours" if window.hours is not None else f"a {window.calendar}"


def _clock(moments: Moments) -> str:
    """The wall clock of now, and how far was looked ahead."""
    now = f"{moments.minute[0] // 60:02d}:{moments.minute[0] % 60:02d}"
    ahead = f" and for {moments.horizon_hours} hours" if moments.horizon_hours else ""
    return f"{now}{ahead} ({moments.zone})"
