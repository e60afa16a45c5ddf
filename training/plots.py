"""Pictures of one contest: how good the probabilities are, and what drives them."""

from __future__ import annotations

from collections.abc import Mapping

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from features.vector import BY_NAME
from training.contest import LOGISTIC, MODEL, PLAIN, POPULARITY, Contest
from training.gain import gain
from training.quality import Quality

matplotlib.rcParams.update({"font.size": 9, "axes.spines.top": False, "axes.spines.right": False})
COLOUR = {MODEL: "#0b6e4f", LOGISTIC: "#d1495b", PLAIN: "#3066be", POPULARITY: "#8d99ae"}
INK, PALE = "#22223b", "#dfe3ea"
SHOWN = 14
"""Features shown of each part."""
DOTS = 500
"""Rows whose contributions are drawn."""


def quality_figure(contest: Contest, title: str) -> Figure:
    """Gain, lift, reliability, and the metrics of all contenders with their intervals."""
    figure = Figure(figsize=(11, 8.5), layout="constrained")
    figure.suptitle(title, fontsize=12, fontweight="bold", color=INK)
    axes = figure.subplots(2, 2)
    _gain(axes[0, 0], contest)
    _lift(axes[0, 1], contest)
    _reliability(axes[1, 0], contest.quality[MODEL])
    _intervals(axes[1, 1], contest.quality)
    return figure


def _gain(ax: Axes, contest: Contest) -> None:
    for name, said in contest.said.items():
        x, y = gain(contest.test.taken, said, contest.test.weight)
        ax.plot(
            x, y, color=COLOUR[name], lw=2.4 if name == MODEL else 1.2, label=name, zorder=3 if name == MODEL else 2
        )
    ax.plot([0, 1], [0, 1], color=PALE, lw=1, ls="--")
    ax.set(title="Gain: reach the likeliest first", xlabel="share contacted", ylabel="share of outcomes reached")
    ax.legend(frameon=False, loc="lower right")


def _lift(ax: Axes, contest: Contest) -> None:
    shares = np.linspace(0.05, 1, 20)
    for name, said in contest.said.items():
        x, y = gain(contest.test.taken, said, contest.test.weight)
        ax.plot(shares, np.interp(shares, x, y) / shares, color=COLOUR[name], lw=2.4 if name == MODEL else 1.2)
    ax.axhline(1, color=PALE, ls="--")
    ax.set(title="Lift over contacting at random", xlabel="share contacted", ylabel="outcomes, times as many")
    ax.set_ylim(bottom=0)


def _reliability(ax: Axes, quality: Quality) -> None:
    found = quality.reliability
    top = 1.08 * max(found.predicted.max(), found.observed.max(), 1e-6)
    ax.plot([0, top], [0, top], color=PALE, ls="--", zorder=1)
    spread = 1.96 * np.sqrt(found.predicted * (1 - found.predicted) / found.rows)
    ax.errorbar(found.predicted, found.observed, yerr=spread, fmt="o", color=COLOUR[MODEL], ecolor="#9ccfb8", ms=5)
    ax.set(xlim=(0, top), ylim=(0, top), xlabel="predicted", ylabel="observed")
    ax.set_title(
        f"Reliability in ten bins of equal count: error {found.error:.4f}\na perfect model of this size shows "
        f"{found.error_by_chance:.4f} (95 % below {found.error_by_chance_high:.4f})"
    )


def _intervals(ax: Axes, quality: Mapping[str, Quality]) -> None:
    for place, metric in enumerate(("auc", "auc_within_offer")):
        for i, (name, found) in enumerate(quality.items()):
            value, y = found.metrics[metric], -(place * (len(quality) + 1) + i)
            ax.plot([value.low, value.high], [y, y], color=COLOUR[name], lw=3, alpha=0.45, solid_capstyle="round")
            ax.plot(value.value, y, "o", color=COLOUR[name])
            ax.text(1.01, y, f"{value.value:.3f}", va="center", transform=ax.get_yaxis_transform(), color=COLOUR[name])
    both = [*quality, "", *quality]
    ax.set_yticks([-i for i in range(len(both))], both)
    ax.axvline(0.5, color=PALE, ls="--")
    ax.set_title("AUC (above) and AUC within an offer (below), 95 % intervals")


def drivers_figure(contest: Contest, title: str, seed: int) -> Figure:
    """What moves the model: mean contribution per feature, and every dot one test row (SHAP values, logit scale)."""
    rng = np.random.default_rng(seed)
    rows = rng.permutation(len(contest.test))[:DOTS]
    shown = contest.test.where(np.sort(rows))
    found = contest.part.taken_apart(shown.X, shown.pairs())
    contributions = (found.trees + found.linear)[:, :-1]
    strength = np.abs(contributions).mean(axis=0)
    best = np.argsort(strength)[::-1][:SHOWN]
    figure = Figure(figsize=(13, 6.2), layout="constrained")
    figure.suptitle(title, fontsize=12, fontweight="bold", color=INK)
    bars, dots = figure.subplots(1, 2, sharey=True, width_ratios=(1, 1.9))
    places = -np.arange(len(best))
    bars.barh(places, strength[best], color="#9ccfb8")
    bars.set_yticks(places, [_label(contest.part.features[i]) for i in best])
    bars.set(title="Mean strength", xlabel="mean |contribution|")
    for place, i in zip(places, best, strict=True):
        _dots(dots, float(place), contributions[:, i], found.seen[:, i], rng)
    dots.axvline(0, color=PALE)
    dots.set(title="Each dot a test row: blue low, red high, grey unknown", xlabel="contribution to the logit")
    return figure


def _dots(
    ax: Axes, place: float, contribution: NDArray[np.float64], value: NDArray[np.float32], rng: np.random.Generator
) -> None:
    known = np.isfinite(value)
    height = place + rng.uniform(-0.28, 0.28, len(value))
    ordered = np.sort(value[known])
    rank = (np.searchsorted(ordered, value[known]) + np.searchsorted(ordered, value[known], "right")) / 2
    ax.scatter(contribution[~known], height[~known], s=6, color="#b8bcc6", alpha=0.6, linewidths=0)
    ax.scatter(contribution[known], height[known], c=rank, cmap="coolwarm", s=7, alpha=0.8, linewidths=0)


def _label(name: str) -> str:
    meaning = BY_NAME[name].meaning if name in BY_NAME else name
    return meaning if len(meaning) <= 70 else meaning[:68] + " …"


def shares_figure(rows: Mapping[str, tuple[float, float, int]], title: str, most: int = 20) -> Figure:
    """Predicted beside observed shares, per offer or channel; ``rows`` has predicted, observed and count by name."""
    shown = dict(list(rows.items())[:most])
    figure = Figure(figsize=(9, 1.6 + 0.34 * len(shown)), layout="constrained")
    ax = figure.subplots()
    for place, (predicted, observed, n) in enumerate(shown.values()):
        spread = 1.96 * np.sqrt(max(observed * (1 - observed), 1e-9) / max(n, 1))
        ax.errorbar(observed, -place, xerr=spread, fmt="s", color=INK, ecolor="#b8bcc6", ms=5)
        ax.plot(predicted, -place, "o", color=COLOUR[MODEL], ms=7, alpha=0.85)
    ax.set_yticks([-i for i in range(len(shown))], [f"{name} ({n:,})" for name, (_, _, n) in shown.items()])
    ax.set(title=f"{title}\npredicted (green) beside observed (dark, 95 %)", xlabel="share")
    return figure
