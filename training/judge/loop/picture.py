"""The course of the loop in a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from training.judge.loop.course import Course
from training.judge.loop.rivals import CONSTANT, SILENCE
from training.world.play import Day

COLOURS = {"Kairos": "#1f8a5b", CONSTANT: "#8a8f9c", SILENCE: "#c9ccd4"}
SMOOTH = 3
"""Days of the moving mean."""


def figure(course: Course, others: Mapping[str, Sequence[Day]]) -> Figure:
    """Value as a share of the oracle's, contacts, and who left or complained; a line where the gate was asked."""
    made = Figure(figsize=(11, 3.4), layout="constrained")
    value, contacts, losses = made.subplots(1, 3)
    plan = course.plan
    days = np.arange(len(course.days))
    own = np.array([day.value / day.oracle for day in course.days])
    value.plot(days, _smooth(own), color=COLOURS["Kairos"], lw=2, label="Kairos")
    value.plot(days, own, ".", color=COLOURS["Kairos"], alpha=0.4)
    contacts.plot(days, np.array([day.contacts for day in course.days]) / plan.decisions, color=COLOURS["Kairos"], lw=2)
    lost = np.cumsum([day.opted_out + day.complained for day in course.days])
    losses.plot(days, 1_000 * lost / plan.customers, color=COLOURS["Kairos"], lw=2)
    for name, each in others.items():
        share = np.array([day.value / day.oracle for day in each])
        value.plot(days, _smooth(share), color=COLOURS[name], label=name)
        contacts.plot(days, np.array([day.contacts for day in each]) / plan.decisions, color=COLOURS[name])
        lost = np.cumsum([day.opted_out + day.complained for day in each])
        losses.plot(days, 1_000 * lost / plan.customers, color=COLOURS[name])
    for gate in course.gates:
        for ax in (value, contacts, losses):
            ax.axvline(gate.day, color="#d9a441", ls="-" if gate.promoted else ":", lw=1)
    value.axhline(0, color="#dddddd", lw=1)
    value.legend(frameon=False, fontsize=8)
    value.set(title="Value, share of the oracle's", xlabel="day")
    contacts.set(title="Contacts per decision asked for", xlabel="day", ylim=(0, 1))
    losses.set(title="Opt-outs and complaints so far, per 1,000", xlabel="day")
    return made


def _smooth(values: np.ndarray[tuple[int], np.dtype[np.float64]]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    window = np.minimum(np.arange(len(values)) + 1, SMOOTH)
    total = np.cumsum(values)
    before = np.where(np.arange(len(values)) >= SMOOTH, np.roll(total, SMOOTH), 0.0)
    mean: np.ndarray[tuple[int], np.dtype[np.float64]] = (total - before) / window
    return mean
