"""The shares as a picture: one row per rule, one point per market."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from training.judge.contenders import KAIROS
from training.judge.scorecard import Card


def picture(cards: Sequence[Card]) -> Figure:
    """Share of the oracle's value by rule, with each market's 95 % interval."""
    names = sorted(
        {name for card in cards for name in card.shares},
        key=lambda name: np.mean([card.shares[name].value for card in cards if name in card.shares]),
    )
    figure = Figure(figsize=(9, 0.42 * len(names) + 1.6), layout="constrained")
    axes = figure.subplots()
    for row, name in enumerate(names):
        for i, card in enumerate(cards):
            if name not in card.shares:
                continue
            share, y = card.shares[name], row + (i - (len(cards) - 1) / 2) * 0.06
            colour = "tab:red" if name == KAIROS else "tab:blue" if card.inside == "logistic" else "tab:green"
            axes.plot([max(share.low, -1.5), max(share.high, -1.5)], [y, y], color=colour, linewidth=0.8)
            axes.plot(max(share.value, -1.5), y, "o", color=colour, markersize=3)
    axes.axvline(0.0, color="grey", linewidth=0.8)
    axes.axvline(1.0, color="grey", linewidth=0.8, linestyle=":")
    axes.set_yticks(range(len(names)), names)
    axes.set_xlabel("share of the oracle's value (95 % over customers); blue logistic, green crooked markets")
    return figure
