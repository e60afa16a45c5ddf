"""CHECKS: everything that may refuse a model, in order. Reading the list is reading the gate."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from serving.part import PartName
from serving.settings import Settings
from training.auc import Ranking
from training.gate.candidate import PAIRS, Candidate
from training.gate.finding import Finding, Mark
from training.gate.worth import unmeasurable, worth, worth_beside_constant
from training.quality import losses
from training.resampling import Draws, Interval, interval
from training.summary import worse_than_popularity

DRAWS = 200
SHARE = 0.2
"""Share of the contacts that can be afforded, as in `make compare`."""
TOO_GOOD = 0.985
"""AUC from which on a later outcome must have been known beforehand."""
IGNORED = 4.0
"""Times by which an offer's share taken must exceed what was predicted for it to count as ignored."""
MOST_IGNORED = 0.25
"""Share of the offers that may be ignored."""
FEWEST_TAKEN = 5
FEWEST_OF_GROUP = 100
"""Customers of a protected group below which nothing is said of it."""
Groups = Mapping[str, Mapping[str, str]]
"""By attribute: the group of each customer who told it."""


@dataclass(frozen=True, slots=True, eq=False)
class Question:
    """A challenger before the gate."""

    challenger: Candidate
    champion: Candidate | None
    settings: Settings
    groups: Groups
    drawn: bool
    """Whether enough decisions were logged with the probability of what they chose to tell two actions apart."""


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


def offers_covered(question: Question) -> Finding:
    """Offers that people take and the model does not know of."""
    said = question.challenger.said
    known, ignored = 0, []
    for _, rows in _parts(_of_offers(said)):
        by = rows.assign(p=rows["probability"] * rows["weight"], y=rows["taken"] * rows["weight"]).groupby("offer_id")
        found = by.agg(p=("p", "sum"), y=("y", "sum"), taken=("taken", "sum"))
        found = found[found["taken"] >= FEWEST_TAKEN]
        known += len(found)
        ignored += found.index[found["p"] * IGNORED < found["y"]].tolist()
    share = len(ignored) / known if known else 0.0
    numbers = {"ignored_offers": share}
    if share > MOST_IGNORED:
        reason = (
            f"{len(ignored)} of {known} offers are ignored: taken {IGNORED:g} times as often as predicted, or more."
        )
        return Finding("offers", Mark.REFUSED, reason, numbers)
    return Finding("offers", Mark.GOOD, f"{known - len(ignored)} of {known} offers are known to the model.", numbers)


def customers_covered(question: Question) -> Finding:
    """How many customers are among the best contacts, against the champion."""
    reached = _reached(question.challenger.said)
    before = _reached(question.champion.said) if question.champion else None
    if reached is None:
        return Finding("customers", Mark.UNKNOWN, "The model was never judged.")
    numbers = {"customers_reached": reached} | ({} if before is None else {"customers_reached_by_champion": before})
    if before is not None and reached < before / 2:
        reason = f"The best contacts are with {reached:.1%} of the customers, with {before:.1%} under the champion."
        return Finding("customers", Mark.REFUSED, reason, numbers)
    return Finding(
        "customers", Mark.GOOD, f"The best {SHARE:.0%} of the contacts are with {reached:.1%} of them.", numbers
    )


def fair(question: Question) -> Finding:
    """Shares of the best contacts, and their value, by protected attribute."""
    rows, least = _of_offers(question.challenger.said), question.settings.gate_fairness
    if not len(rows):
        return Finding("fairness", Mark.UNKNOWN, "The model was never judged.")
    chosen = rows.assign(chosen=_chosen(rows))
    numbers: dict[str, float] = {}
    unfair = []
    for attribute, group in question.groups.items():
        told = chosen.assign(group=chosen["customer_id"].map(group)).dropna(subset=["group"])
        by = told.groupby("group").agg(
            share=("chosen", "mean"), customers=("customer_id", "nunique"), value=("probability", "mean")
        )
        by = by[by["customers"] >= FEWEST_OF_GROUP]
        numbers |= {f"share.{attribute}.{g}": float(row["share"]) for g, row in by.iterrows()}
        numbers |= {f"probability.{attribute}.{g}": float(row["value"]) for g, row in by.iterrows()}
        if len(by) > 1 and by["share"].min() < least * by["share"].max():
            low, high = by["share"].idxmin(), by["share"].idxmax()
            unfair.append(f"{attribute} {low}: {by['share'].min():.1%} of contacts, {high}: {by['share'].max():.1%}")
    if unfair:
        return Finding(
            "fairness", Mark.REFUSED, f"A group gets less than {least:g} of another's: {'; '.join(unfair)}.", numbers
        )
    measured = "No group gets less than" if numbers else "No attribute is told by enough customers; allowed is"
    return Finding(
        "fairness", Mark.GOOD if numbers else Mark.UNKNOWN, f"{measured} {least:g} of another's contacts.", numbers
    )


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


def _of_offers(said: pd.DataFrame | None) -> pd.DataFrame:
    if said is None:
        return pd.DataFrame(columns=["part", "kind", "offer_id", "customer_id", "taken", "weight", "probability"])
    return said[said["part"] == str(PartName.OFFER_RESPONSE)]


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


def _chosen(rows: pd.DataFrame) -> NDArray[np.float64]:
    """1 for the best SHARE of each kind's contacts."""
    rank = rows.groupby("kind")["probability"].rank(method="first", ascending=False, pct=True)
    return np.asarray(rank.to_numpy(dtype=np.float64) <= SHARE, dtype=np.float64)


def _reached(said: pd.DataFrame | None) -> float | None:
    rows = _of_offers(said)
    if not len(rows):
        return None
    return float(rows.loc[_chosen(rows) > 0, "customer_id"].nunique() / rows["customer_id"].nunique())
