"""The comparison as a picture: funnel, reach by channel, money by group."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from training.whatif.outcome import Everybody, Interval

BEFORE, AFTER = "#8d99ae", "#0b6e4f"


def picture(before: Everybody, after: Everybody, groups: Sequence[tuple[str, Interval]]) -> Figure:
    """Three panels."""
    figure = Figure(figsize=(12, 7), layout="constrained")
    axes = figure.subplot_mosaic([["funnel", "channels"], ["funnel", "groups"]])
    rules = list(dict.fromkeys([*before.removed, *after.removed]))
    steps = ["considered", *(f"− {rule}" for rule in rules), "eligible", "worth a contact"]
    counts = [
        [each.considered, *(each.removed[rule] for rule in rules), each.eligible, each.eligible - each.below_silence]
        for each in (before, after)
    ]
    _pairs(axes["funnel"], "Pairs of offer and channel, over all customers", steps, counts)
    axes["funnel"].set_xscale("symlog", linthresh=10)
    names = sorted({*before.per(1), *after.per(1)}) or ["nobody"]
    reach = [[each.reached, *(each.per(1)[name] for name in names)] for each in (before, after)]
    _pairs(axes["channels"], "Customers reached", ["all", *names], reach)
    _money(axes["groups"], groups)
    return figure


def _pairs(ax: Axes, title: str, names: Sequence[str], counts: Sequence[Sequence[int]]) -> None:
    ax.set_title(title)
    for shift, each, colour, label in zip((-0.2, 0.2), counts, (BEFORE, AFTER), ("in force", "changed"), strict=True):
        ax.barh([place + shift for place in range(len(names))], each, height=0.38, color=colour, label=label)
    ax.set_yticks(range(len(names)), names, fontsize=8)
    ax.invert_yaxis()
    ax.legend(frameon=False)


def _money(ax: Axes, groups: Sequence[tuple[str, Interval]]) -> None:
    ax.set_title("More modelled money by group (95 % over customers)")
    for place, (_, found) in enumerate(groups):
        ax.plot([found.low / 100, found.high / 100], [place, place], color=AFTER, lw=3, alpha=0.4)
        ax.plot(found.value / 100, place, "o", color=AFTER)
    ax.axvline(0, color=BEFORE, ls="--", lw=1)
    ax.set_yticks(range(len(groups)), [name for name, _ in groups], fontsize=8)
