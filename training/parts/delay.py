"""Outcomes that are still to come: how long they take, and what share of open windows will yet be answered.

Ages and delays are shares of the window, 0–1. A "not yet" is split into "late" and "never" (expectation–maximisation,
as Chapelle, *KDD* 2014, with the delays left free instead of exponential).
"""

from __future__ import annotations

import numpy as np

from training.value.trial import Floats

BINS = 20
STEPS = 200


def still_to_come(delay: Floats, age: Floats, weight: Floats) -> Floats:
    """Share of delays longer than each share of the window, ``[BINS + 1]``: 1 at the beginning, 0 at the end.

    Kaplan & Meier (*JASA* 1958) backwards in time: a delay is seen only where it is no longer than the age.

    Args:
        delay: Of each contact until it was answered, ``[n]``; NaN where it has not been.
        age: Of each contact, ``[n]``, at most 1.
        weight: How much of each answer counts, ``[n]``.
    """
    edges, answered = np.linspace(0.0, 1.0, BINS + 1), np.isfinite(delay)
    place = np.clip(np.ceil(np.where(answered, delay, 1.0) * BINS).astype(np.intp) - 1, 0, BINS - 1)
    done = np.ones(BINS + 1)
    for i in range(BINS - 1, 0, -1):
        # Among contacts old enough to have shown it: who had answered by the end of the bin, and who just in it.
        old = answered & (age >= edges[i + 1])
        within, by_then = float(weight[old & (place == i)].sum()), float(weight[old & (place <= i)].sum())
        done[i] = done[i + 1] * (1.0 - within / by_then if by_then > 0 else 1.0)
    done[0] = 0.0
    return 1.0 - done


def at_age(late: Floats, age: Floats) -> Floats:
    """Share of delays longer than each age, ``[n]``."""
    found: Floats = np.interp(age, np.linspace(0.0, 1.0, BINS + 1), late)
    return found


def matured(answered: np.ndarray[tuple[int], np.dtype[np.bool_]], age: Floats, late: Floats) -> float:
    """The share of contacts that will have been answered when all their windows have ended; NaN for none.

    ``late`` is what ``still_to_come`` says of contacts like these.
    """
    if not len(answered):
        return float("nan")
    open_share, share = at_age(late, age), float(answered.mean())
    for _ in range(STEPS):
        split = share * open_share / np.maximum(share * open_share + 1.0 - share, 1e-300)
        before, share = share, float(np.where(answered, 1.0, split).mean())
        if abs(share - before) < 1e-9:
            break
    return share
