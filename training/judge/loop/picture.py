"""The course of the loop in a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from training.judge.loop.course import Course, Scored
from training.judge.loop.rivals import CONSTANT, ORACLE, OURS, SILENCE
from training.world.play import Day

COLOURS = {OURS: "#1f8a5b", ORACLE: "#d9a441", CONSTANT: "#8a8f9c", SILENCE: "#c9ccd4"}
SMOOTH = 3
"""Days of the moving mean."""


def figure(course: Course, others: Mapping[str, Sequence[Day]]) -> Figure:
    """Value per day, contacts, and who left or complained; a line where the gate was asked, dotted where it refused."""
    made = Figure(figsize=(11, 3.4), layout="constrained")
    value, contacts, losses = made.subplots(1, 3)
    plan, days = course.plan, np.arange(len(course.days))
    played: dict[str, Sequence[Day] | Sequence[Scored]] = {**others, OURS: course.days}
    for name, each in played.items():
        look = {"color": COLOURS[name], "lw": 2 if name == OURS else 1.2}
        earned = np.array([day.value for day in each]) / 100
        value.plot(days, _smooth(earned), label=name, **look)
        value.plot(days, earned, ".", color=COLOURS[name], alpha=0.4, ms=3)
        contacts.plot(days, np.array([day.contacts for day in each]) / plan.decisions, **look)
        lost = np.cumsum([day.opted_out + day.complained for day in each])
        losses.plot(days, 1_000 * lost / plan.customers, **look)
    for gate in course.gates:
        for ax in (value, contacts, losses):
            ax.axvline(gate.day, color="#6b7280", ls="-" if gate.promoted else ":", lw=1)
    value.axhline(0, color="#dddddd", lw=1)
    value.legend(frameon=False, fontsize=8)
    value.set(title=f"Value per day ({plan.decisions:,} decisions)", xlabel="day")
    contacts.set(title="Contacts per decision", xlabel="day", ylim=(0, 1))
    losses.set(title="Left or complained so far, per 1,000", xlabel="day")
    return made


def _smooth(values: np.ndarray[tuple[int], np.dtype[np.float64]]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    window = np.minimum(np.arange(len(values)) + 1, SMOOTH)
    total = np.cumsum(values)
    before = np.where(np.arange(len(values)) >= SMOOTH, np.roll(total, SMOOTH), 0.0)
    mean: np.ndarray[tuple[int], np.dtype[np.float64]] = (total - before) / window
    return mean
