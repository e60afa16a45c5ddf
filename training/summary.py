"""A contest as numbers for files and as a table for people."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from training.contest import BASELINES, MODEL, Contest
from training.gain import gain_at
from training.quality import METRICS, Slice, difference, is_better, slices
from training.resampling import Interval

PAIRED = ("auc", "auc_within_offer", "log_loss")


def numbers(contest: Contest) -> dict[str, Any]:
    """Everything measured, as JSON: by contender, in pairs, by channel and by offer. Undefined numbers are null."""
    return {
        "learnt": {"rows": len(contest.learnt), "taken": int(contest.learnt.taken.sum())},
        "test": {"rows": len(contest.test), "taken": int(contest.test.taken.sum())},
        "choice": {
            "rounds": contest.choice.rounds,
            "softness": contest.choice.softness,
            "blend": contest.choice.blend,
        },
        "contenders": {name: _contender(contest, name) for name in contest.quality},
        "against": {
            name: {
                metric: _bounds(difference(contest.quality[MODEL], contest.quality[name], metric)) for metric in PAIRED
            }
            for name in BASELINES
        },
        "by_channel": [_slice(s) for s in slices(contest.test.judged(), contest.said[MODEL], contest.test.channels)],
        "by_offer": [_slice(s) for s in slices(contest.test.judged(), contest.said[MODEL], contest.test.offers)],
    }


def _contender(contest: Contest, name: str) -> dict[str, Any]:
    quality = contest.quality[name]
    return {
        **{metric: _bounds(quality.metrics[metric]) for metric in METRICS},
        "calibration_error": quality.reliability.error,
        "calibration_error_by_chance": quality.reliability.error_by_chance,
        "calibration_error_by_chance_95": quality.reliability.error_by_chance_high,
        "reached_by_best_fifth": gain_at(contest.test.taken, contest.said[name], contest.test.weight, 0.2),
    }


def _bounds(found: Interval) -> list[float | None]:
    return [_number(found.value), _number(found.low), _number(found.high)]


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _slice(found: Slice) -> dict[str, Any]:
    return {
        "name": found.name,
        "rows": found.rows,
        "taken": found.taken,
        "mean_predicted": found.mean_predicted,
        "mean_observed": found.mean_observed,
        "auc": _number(found.auc),
    }


def table(contest: Contest) -> str:
    """The contest for a terminal: metrics by contender with intervals, paired differences, calibration."""
    head = ("", "AUC", "AUC within offer", "log-loss", "Brier", "predicted", "calibration error (by chance)")
    body = [head, *(_row(contest, name) for name in contest.quality)]
    observed = contest.quality[MODEL].metrics["mean_observed"]
    lines = [
        f"learnt from {len(contest.learnt):,} rows, {int(contest.learnt.taken.sum()):,} positive; "
        f"judged on {len(contest.test):,}, {int(contest.test.taken.sum()):,} positive (observed {observed.value:.3f})",
        *aligned(body),
        *(_verdict(contest, name) for name in BASELINES),
    ]
    return "\n".join(lines)


def _row(contest: Contest, name: str) -> tuple[str, ...]:
    found, bins = contest.quality[name].metrics, contest.quality[name].reliability
    shown = [str(found[metric]) for metric in ("auc", "auc_within_offer", "log_loss", "brier")]
    error = f"{bins.error:.4f} ({bins.error_by_chance:.4f}, 95 % {bins.error_by_chance_high:.4f})"
    return (name, *shown, f"{found['mean_predicted'].value:.3f}", error)


def _verdict(contest: Contest, name: str) -> str:
    said = []
    for metric, words in (("auc", "AUC"), ("auc_within_offer", "within offer"), ("log_loss", "log-loss")):
        gap = difference(contest.quality[MODEL], contest.quality[name], metric)
        better = is_better(gap, metric)
        word = {True: "better", False: "worse", None: "no difference seen"}[better]
        said.append(f"{words} {gap.value:+.3f} [{gap.low:+.3f}, {gap.high:+.3f}] {word}")
    return f"  {MODEL} − {name}: " + "; ".join(said)


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows of cells as lines with aligned columns."""
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    return [
        "  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]


def worse_than_popularity(against: dict[str, list[float | None]]) -> bool:
    """True where log-loss or AUC (value, low, high of the paired difference) is worse beyond the interval."""
    _, loss_low, _ = against["log_loss"]
    _, _, auc_high = against["auc"]
    return (loss_low is not None and loss_low > 0) or (auc_high is not None and auc_high < 0)
