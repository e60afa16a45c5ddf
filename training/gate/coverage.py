"""Checks of what a model would offer, and to whom: offers, customers and protected groups."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from serving.part import PartName
from training.gate.finding import Finding, Mark
from training.gate.question import Question

SHARE = 0.2
"""Share of the contacts that can be afforded, as in `make compare`."""
IGNORED = 4.0
"""Times by which an offer's share taken must exceed what was predicted for it to count as ignored."""
MOST_IGNORED = 0.25
"""Share of the offers that may be ignored."""
FEWEST_TAKEN = 5
FEWEST_OF_GROUP = 100
"""Customers of a protected group below which nothing is said of it."""


def offers_covered(question: Question) -> Finding:
    """Offers that people take and the model does not know of."""
    said = question.challenger.said
    known, ignored = 0, []
    for _, rows in _of_offers(said).groupby("kind", sort=True):
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


def _of_offers(said: pd.DataFrame | None) -> pd.DataFrame:
    if said is None:
        return pd.DataFrame(columns=["part", "kind", "offer_id", "customer_id", "taken", "weight", "probability"])
    return said[said["part"] == str(PartName.OFFER_RESPONSE)]


def _chosen(rows: pd.DataFrame) -> NDArray[np.float64]:
    """1 for the best SHARE of each kind's contacts."""
    rank = rows.groupby("kind")["probability"].rank(method="first", ascending=False, pct=True)
    return np.asarray(rank.to_numpy(dtype=np.float64) <= SHARE, dtype=np.float64)


def _reached(said: pd.DataFrame | None) -> float | None:
    rows = _of_offers(said)
    if not len(rows):
        return None
    return float(rows.loc[_chosen(rows) > 0, "customer_id"].nunique() / rows["customer_id"].nunique())
