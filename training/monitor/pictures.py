"""The report as a picture: what drifted most, calibration per channel, coverage and alerts."""

from __future__ import annotations

from textwrap import wrap

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from training.monitor.findings import Compared

SHOWN = 16
"""Distributions shown, the most drifted."""
WIDE = 150
"""Characters of a line."""
COLOUR = {"training": "#3066be", "earlier": "#8d99ae"}
GOOD, BAD, UNKNOWN = "#0b6e4f", "#d1495b", "#8d99ae"


def picture(found: Compared, limit: float) -> Figure:
    """Four panels."""
    figure = Figure(figsize=(12, 10), layout="constrained")
    axes = figure.subplot_mosaic([["drift", "calibration"], ["drift", "coverage"], ["alerts", "alerts"]])
    _drift(axes["drift"], found, limit)
    _calibration(axes["calibration"], found)
    _coverage(axes["coverage"], found)
    _alerts(axes["alerts"], found)
    return figure


def _empty(ax: Axes, words: str) -> None:
    ax.text(0.5, 0.5, words, ha="center", va="center", color=UNKNOWN, transform=ax.transAxes)
    ax.set_axis_off()


def _drift(ax: Axes, found: Compared, limit: float) -> None:
    most = sorted(found.drifts, key=lambda d: -d.psi)[:SHOWN][::-1]
    ax.set_title("Population stability index (bar: what chance reaches)")
    if not most:
        _empty(ax, "too little to compare")
        return
    rows = range(len(most))
    ax.barh(rows, [d.psi for d in most], color=[COLOUR[d.against] for d in most])
    ax.plot([d.noise for d in most], rows, "|", color="#22223b", markersize=9)
    ax.axvline(limit, color=BAD, ls="--", lw=1)
    ax.set_yticks(rows, [f"{d.name} ({d.against})" for d in most], fontsize=7)


def _calibration(ax: Axes, found: Compared) -> None:
    ax.set_title("Outcomes seen and predicted, by channel")
    if not found.calibration:
        _empty(ax, "no offer's window has just ended")
        return
    for place, (name, each) in enumerate(found.calibration.items()):
        ax.plot(each.predicted / each.rows, each.taken / each.rows, "o", label=f"{name} ({each.rows:,})")
        ax.annotate(name, (each.predicted / each.rows, each.taken / each.rows), xytext=(4, 4 + place % 2 * 8),
                    textcoords="offset points", fontsize=7)  # fmt: skip
    top = 1.1 * max(max(e.predicted, e.taken) / e.rows for e in found.calibration.values()) + 1e-6
    ax.plot([0, top], [0, top], color=UNKNOWN, ls="--", lw=1)
    ax.set(xlim=(0, top), ylim=(0, top), xlabel="predicted", ylabel="seen")


def _alerts(ax: Axes, found: Compared) -> None:
    ax.set_axis_off()
    ax.set_title("Alerts", loc="left")
    for place, alert in enumerate(found.alerts):
        colour = UNKNOWN if alert.on is None else BAD if alert.on else GOOD
        y = 0.95 - 0.15 * place
        sentence = "\n".join(wrap(alert.sentence, WIDE))
        ax.text(0.0, y, alert.name, color=colour, fontweight="bold", transform=ax.transAxes, fontsize=8, va="top")
        ax.text(0.14, y, sentence, transform=ax.transAxes, fontsize=7.5, va="top")


def _coverage(ax: Axes, found: Compared) -> None:
    ax.set_title("Share covered, and of fallbacks")
    shares = dict(found.coverage) | ({"fallback": found.fallback} if found.fallback is not None else {})
    if not shares:
        _empty(ax, "no recent decision")
        return
    bars = ax.barh(list(shares)[::-1], list(shares.values())[::-1], color=GOOD)
    ax.bar_label(bars, [f"{share:.0%}" for share in list(shares.values())[::-1]], padding=3, fontsize=8)
    ax.set_xlim(0, 1.1)
