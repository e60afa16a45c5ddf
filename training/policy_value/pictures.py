"""The judgement of policies in pictures."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from training.plots import INK, PALE
from training.policy_value.judge import Judged
from training.policy_value.policies import CONSTANT, KAIROS, SERVED, UNGATED

GREEN, GREY = "#0b6e4f", "#8d99ae"
MOST_CURVES = 12


def values_figure(judged: Judged, title: str) -> Figure:
    """Value of every policy by both estimators, and the gain of each learner at fixed volume."""
    figure = Figure(figsize=(12, 0.6 + 0.42 * (len(judged.worth) + 2)), layout="constrained")
    figure.suptitle(title, fontsize=12, fontweight="bold", color=INK)
    worth, volume = figure.subplots(1, 2, width_ratios=(1.3, 1))
    for place, (name, found) in enumerate(judged.worth.items()):
        colour = GREEN if name in (KAIROS, SERVED, UNGATED) else GREY
        for shift, estimate, mark in ((0.12, found.robust, "o"), (-0.12, found.snips, "s")):
            if estimate is not None:
                _bar(worth, -place + shift, estimate.low, estimate.value, estimate.high, colour, mark)
    worth.set_yticks([-i for i in range(len(judged.worth))], list(judged.worth))
    constant = judged.worth[CONSTANT].robust
    if constant is not None:
        worth.axvline(constant.value, color=PALE, ls="--", zorder=0)
    worth.set(title="Value, minor units per decision: doubly robust ●, SNIPS ■", xlabel=f"dashed: {CONSTANT}")
    for place, (name, at) in enumerate(judged.volume.items()):
        if at.gain is not None:
            colour = GREEN if name == UNGATED else GREY
            _bar(volume, -place, 100 * at.gain.low, 100 * at.gain.value, 100 * at.gain.high, colour, "o")
    volume.set_yticks([-i for i in range(len(judged.volume))], [KAIROS if n == UNGATED else n for n in judged.volume])
    volume.axvline(0, color=PALE, ls="--", zorder=0)
    volume.set(title="At fixed volume: % more than by chance")
    return figure


def _bar(ax: Axes, y: float, low: float, value: float, high: float, colour: str, mark: str) -> None:
    ax.plot([low, high], [y, y], color=colour, lw=3, alpha=0.45, solid_capstyle="round")
    ax.plot(value, y, mark, color=colour, ms=5)


def uplift_figure(judged: Judged, title: str) -> Figure:
    """Qini curves of the arms, and the reliability of the probability of a purchase."""
    figure = Figure(figsize=(11, 4.8), layout="constrained")
    figure.suptitle(title, fontsize=12, fontweight="bold", color=INK)
    curves, bins = figure.subplots(1, 2)
    for found in judged.uplift[:MOST_CURVES]:
        some = np.linspace(0, len(found.curve.depth) - 1, 200).astype(int)
        curves.plot(found.curve.depth[some], found.curve.gained[some], lw=1.4, label=found.arm)
    curves.axhline(0, color=PALE)
    curves.set(title="Qini: purchases caused per 1,000 customers", xlabel="share contacted, highest uplift first")
    if judged.uplift:
        curves.legend(frameon=False, fontsize=7)
    told = judged.calibration
    top = 1.08 * max(float(told.predicted.max()), float(told.observed.max()), 1e-6)
    bins.plot([0, top], [0, top], color=PALE, ls="--")
    bins.plot(told.predicted, told.observed, "o", color=GREEN)
    bins.set(title="Reliability of the probability of a purchase", xlabel="predicted", ylabel="observed")
    return figure
