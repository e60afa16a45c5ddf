"""CHECKS: everything that may refuse a model, in order. Reading the list is reading the gate."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from training.auc import Ranking
from training.gate.candidate import PAIRS
from training.gate.coverage import customers_covered, fair, offers_covered
from training.gate.finding import Finding, Mark
from training.gate.question import Question
from training.gate.worth import unmeasurable, worth, worth_beside_constant
from training.quality import losses
from training.resampling import Draws, Interval, interval
from training.summary import worse_than_popularity

DRAWS = 200
TOO_GOOD = 0.985
"""AUC from which on a later outcome must have been known beforehand."""


def learnt(question: Question) -> Finding:
    """Against popularity, and against chance."""
    own = question.challenger
    for name, found in own.summary.items():
        against = found["against"]["popularity"] if isinstance(found, dict) else {}
        if worse_than_popularity(against):
            return Finding("popularity", Mark.REFUSED, f"{name} was judged worse than popularity.")
    if own.said is None or not len(own.said):
        return Finding("popularity", Mark.UNKNOWN, "The model was never judged: there were too few later decisions.")
    knowing = {name: _auc(rows) for name, rows in _parts(own.said)}
    told = {f"auc.{name}": found.value for name, found in knowing.items()}
    if all(not found.low > 0.5 for found in knowing.values()):
        return Finding("popularity", Mark.REFUSED, "No part tells takers from others better than chance does.", told)
    return Finding("popularity", Mark.GOOD, "No part is worse than popularity beyond its interval.", told)


def not_too_good(question: Question) -> Finding:
    """A model that knows the future has seen it: a label has leaked into a feature."""
    said = question.challenger.said
    best = {name: _auc(rows) for name, rows in _parts(said)} if said is not None else {}
    for name, found in best.items():
        if found.low > TOO_GOOD:
            reason = f"{name} has AUC {found}: too good to be true. Look for a feature that knows the outcome."
            return Finding("leak", Mark.REFUSED, reason)
    return Finding("leak", Mark.GOOD, f"No part has AUC above {TOO_GOOD:g}.")


def as_good_as_champion(question: Question) -> Finding:
    """Log-loss against the champion's on decisions that both were judged on."""
    one, other = question.challenger.said, question.champion.said if question.champion else None
    if one is None or other is None:
        return Finding("champion", Mark.UNKNOWN, "There is no champion that was judged on the same decisions.")
    key = ["part", "kind", "decision_id"]
    rows = one.merge(other[[*key, "probability"]], on=key, suffixes=("", "_champion"))
    numbers, worse = {}, []
    for name, of in _parts(rows):
        gap = _gap(of)
        numbers[f"log_loss.{name}"] = gap.value
        if gap.low > 0:
            worse.append(f"{name}: log-loss {gap.value:+.4f} [{gap.low:+.4f}, {gap.high:+.4f}]")
    if worse:
        return Finding(
            "champion", Mark.REFUSED, f"Worse than the champion beyond the interval: {'; '.join(worse)}.", numbers
        )
    said = "No part is worse than the champion's beyond its interval." if numbers else "No decision in common."
    return Finding("champion", Mark.GOOD if numbers else Mark.UNKNOWN, said, numbers)


def calibrated(question: Question) -> Finding:
    """Mean probability against the share observed, per part and channel."""
    said, most = question.challenger.said, question.settings.gate_calibration
    numbers, off = {}, []
    for name, rows in _parts(said) if said is not None else ():
        for channel, of in _by(rows, "channel"):
            weight = of["weight"].to_numpy(dtype=np.float64)
            predicted, observed = (
                float(np.average(of[c].to_numpy(dtype=np.float64), weights=weight)) for c in ("probability", "taken")
            )
            off_by = (of["taken"] - of["probability"]).to_numpy(dtype=np.float64) ** 2
            said_by = (of["probability"] * (1.0 - of["probability"])).to_numpy(dtype=np.float64)
            # Few outcomes by chance look like little spread: it is at least what the model itself expects.
            spread = max(np.average(off_by, weights=weight), np.average(said_by, weights=weight))
            error = float(np.sqrt(spread * np.square(weight).sum()) / weight.sum())
            ratio = (predicted + 1e-9) / (observed + 1e-9)
            numbers[f"calibration.{name}.{channel or 'none'}"] = ratio
            if max(ratio, 1 / ratio) > most and abs(predicted - observed) > 4 * error:
                off.append(f"{name} on {channel or 'no channel'} says {predicted:.3f}, seen are {observed:.3f}")
    if off:
        return Finding("calibration", Mark.REFUSED, f"Off by more than {most:g} times: {'; '.join(off)}.", numbers)
    return Finding("calibration", Mark.GOOD, f"No channel is off by more than {most:g} times.", numbers)


def quick(question: Question) -> Finding:
    """Processor time of scoring."""
    took, most = question.challenger.scoring_ms, question.settings.gate_scoring_ms
    mark = Mark.REFUSED if took > most else Mark.GOOD
    return Finding("latency", mark, f"{took:.2f} ms for {PAIRS} pairs, at most {most:g}.", {"scoring_ms": took})


def small(question: Question) -> Finding:
    """What has to be loaded."""
    size, most = question.challenger.size_mb, question.settings.gate_size_mb
    mark = Mark.REFUSED if size > most else Mark.GOOD
    return Finding("size", mark, f"{size:.1f} MiB, at most {most:g}.", {"size_mb": size})


def pays(question: Question) -> Finding:
    """The value of what would be served, against the champion, or the best constant where there is no other."""
    own, champion = question.challenger.served, question.champion
    if own is None and not question.drawn:
        return unmeasurable()
    if champion is None or champion.constant:
        return worth_beside_constant(own)
    return worth(own, champion.served)


CHECKS: tuple[Callable[[Question], Finding], ...] = (
    learnt,
    not_too_good,
    as_good_as_champion,
    calibrated,
    offers_covered,
    customers_covered,
    fair,
    quick,
    small,
    pays,
)


def _parts(rows: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    return [(f"{kind}.{part}", of) for (kind, part), of in rows.groupby(["kind", "part"], sort=True)]


def _by(rows: pd.DataFrame, column: str) -> list[tuple[str, pd.DataFrame]]:
    return [(str(value), of) for value, of in rows.groupby(column, sort=True)]


def _auc(rows: pd.DataFrame) -> Interval:
    weight = rows["weight"].to_numpy(dtype=np.float64)
    ranking = Ranking(rows["taken"].to_numpy(dtype=bool), rows["probability"].to_numpy(dtype=np.float64))
    draws = Draws(rows["customer_id"].to_numpy(), n_draws=DRAWS // 4, seed=0)
    return interval(ranking.auc(weight), np.array([ranking.auc(weight * times) for times in draws]))


def _gap(rows: pd.DataFrame) -> Interval:
    taken, weight = rows["taken"].to_numpy(dtype=bool), rows["weight"].to_numpy(dtype=np.float64)
    one, other = (losses(taken, rows[c].to_numpy(dtype=np.float64))[0] for c in ("probability", "probability_champion"))
    draws = Draws(rows["customer_id"].to_numpy(), n_draws=DRAWS, seed=0)
    gap = weight * (one - other)
    return interval(float(gap.sum() / weight.sum()), draws.sums(gap) / draws.sums(weight))
