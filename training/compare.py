"""``make compare``: two models side by side, in money and in words, on decisions that both were judged on."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.catalogue import Catalogue
from features.domain import ChannelName, OfferId
from features.errors import KairosError, ModelError
from serving.part import PartName
from serving.settings import Settings, read_settings
from training import tracking
from training.bundle import PREDICTIONS
from training.money import money
from training.quality import losses
from training.resampling import Draws, Interval, interval
from training.summary import aligned
from training.versions import Versions

SHARE = 0.2
"""Share of the contacts that can be afforded: each model spends them on the rows it likes best."""
PER = 1_000
DRAWS = 1_000
ROW = ["part", "kind", "decision_id"]
POPULAR = "popularity alone"


@dataclass(frozen=True)
class Side:
    """One of the two: what people call it, and its probability for every row in common, ``[n]``."""

    name: str
    probability: NDArray[np.float64]


@dataclass(frozen=True)
class Verdict:
    """What one kind of offer brings under each, per PER contacts; money in minor units."""

    kind: str
    contacts: int
    taken: tuple[float, float]
    value: tuple[float, float]
    gain: Interval
    surprise: tuple[float, float]
    """Mean log-loss of each."""


def sides(settings: Settings, one: str | None, other: str | None) -> tuple[pd.DataFrame, str, str]:
    """Rows both were judged on, with ``probability_one`` and ``probability_other``, and the names of the two.

    By default the newest model against the champion, or against the one before it; a model that is alone is set beside
    popularity. Raises ModelError where there is no model or no row in common.
    """
    versions = Versions(settings)
    known = versions.all()
    if not known:
        raise ModelError(f"there is no model in {settings.models_dir}: run `make train` first")
    other = other or known[-1]
    one = one or next((v for v in (versions.champion(), *reversed(known)) if v is not None and v != other), None)
    newer = _predictions(versions, other)
    if one is None:
        return newer.assign(probability_one=newer["popularity"], probability_other=newer["probability"]), POPULAR, other
    older = _predictions(versions, one)[[*ROW, "probability"]]
    rows = older.merge(newer, on=ROW, suffixes=("_one", "_other"))
    if rows.empty:
        raise ModelError(f"{one} and {other} were judged on different decisions: train both on the same data")
    return rows, one, other


def _predictions(versions: Versions, version: str) -> pd.DataFrame:
    file = versions.folder(version) / PREDICTIONS
    if not file.exists():
        raise ModelError(f"{version} was never judged ({file} is missing): nothing to compare")
    return pd.read_parquet(file)


def verdict(kind: str, rows: pd.DataFrame, catalogue: Catalogue, seed: int) -> Verdict:
    """Both models spend the same number of contacts; what comes back is valued by the offers' own terms."""
    offers = [catalogue.offer[OfferId(o)] for o in rows["offer_id"]]
    # What is enclosed in a mailing needs no contact of its own.
    channels = [catalogue.channel[ChannelName(c)] for c in rows["channel"]]
    costs = np.array([0.0 if o.enclosed else c.cost_minor for o, c in zip(offers, channels, strict=True)])
    taken = rows["taken"].to_numpy(dtype=np.float64)
    worth = taken * np.array([o.margin_minor - o.incentive_minor for o in offers], dtype=np.float64) - costs
    weight = rows["weight"].to_numpy(dtype=np.float64)
    said = [rows[f"probability_{side}"].to_numpy(dtype=np.float64) for side in ("one", "other")]
    spent = [_best(p, weight) * weight for p in said]
    draws = Draws(rows["customer_id"].to_numpy(), n_draws=DRAWS, seed=seed)
    drawn = [draws.sums(s * worth) / draws.sums(s) * PER for s in spent]
    value = [float(s @ worth / s.sum()) * PER for s in spent]
    surprise = [float(np.average(losses(rows["taken"].to_numpy(), p)[0], weights=weight)) for p in said]
    return Verdict(
        kind,
        len(rows),
        (float(spent[0] @ taken / spent[0].sum()) * PER, float(spent[1] @ taken / spent[1].sum()) * PER),
        (value[0], value[1]),
        interval(value[1] - value[0], drawn[1] - drawn[0]),
        (surprise[0], surprise[1]),
    )


def _best(probability: NDArray[np.float64], weight: NDArray[np.float64]) -> NDArray[np.float64]:
    """1 for the best SHARE of the population, 0 for the rest, in between where the border cuts through equal rows."""
    chosen = np.zeros(len(weight))
    left = SHARE * weight.sum()
    for value in np.unique(probability)[::-1]:
        alike = probability == value
        mass = float(weight[alike].sum())
        chosen[alike] = min(1.0, left / mass)
        left -= mass
        if left <= 0:
            break
    return chosen


def in_words(found: Verdict, one: str, other: str, currency: str) -> str:
    """Two or three sentences for people who plan campaigns."""
    shown = [money(v, currency) for v in found.value]
    gap = f"{money(found.gain.value, currency)} [{money(found.gain.low, currency)}, {money(found.gain.high, currency)}]"
    if found.gain.low == found.gain.high == 0:
        judgement = "They choose the same customers."
    elif found.gain.low > 0:
        judgement = f"{other} earns more: {gap}. Chance alone would rarely do that."
    elif found.gain.high < 0:
        judgement = f"{other} earns less: {gap}. Chance alone would rarely do that."
    else:
        judgement = f"The difference is {gap}: it may well be chance."
    return (
        f"{found.kind}: of {PER:,} contacts spent on the customers it likes best, {one} brings {found.taken[0]:.0f} "
        f"acceptances worth {shown[0]}, {other} brings {found.taken[1]:.0f} worth {shown[1]}. {judgement}"
    )


def compare(settings: Settings, one: str | None = None, other: str | None = None) -> str:
    """The comparison as text, which is also logged to MLflow. Raises ModelError where there is nothing to compare."""
    rows, older, newer = sides(settings, one, other)
    catalogue = Catalogue.from_json(settings.catalogue_file.read_text())
    contacts = rows[rows["part"] == str(PartName.OFFER_RESPONSE)]
    found = [verdict(str(kind), of, catalogue, settings.seed) for kind, of in contacts.groupby("kind", sort=False)]
    text = "\n".join(
        [
            f"{older}  against  {newer}",
            *_table(found, catalogue.currency),
            "",
            *(in_words(v, older, newer, catalogue.currency) for v in found),
            "",
            f"Worth is margin less incentive of every acceptance, less the cost of every contact, for the best "
            f"{SHARE:.0%} of the contacts on record.\nWhat would have been bought anyway is not taken off here.",
        ]
    )
    _log(settings, text, found, older, newer)
    return text


def _table(found: Sequence[Verdict], currency: str) -> list[str]:
    head = (f"per {PER:,} contacts", "rows", "accepted", "", "worth", "", "difference [95 %]", "log-loss", "")
    body = [
        (
            v.kind,
            f"{v.contacts:,}",
            *(f"{t:.0f}" for t in v.taken),
            *(money(m, currency) for m in v.value),
            f"{money(v.gain.value, currency)} [{money(v.gain.low, currency)}, {money(v.gain.high, currency)}]",
            *(f"{s:.4f}" for s in v.surprise),
        )
        for v in found
    ]
    return aligned([head, *body])


def _log(settings: Settings, text: str, found: Sequence[Verdict], one: str, other: str) -> None:
    words = "Two models spend the same number of contacts; what comes back, in money."
    tags = {"source": settings.source, "stage": "compare", "one": one, "other": other}
    with tracking.run(settings, "comparison", f"{one} against {other}", words, tags):
        tracking.log_text(text, "comparison.txt")
        metrics: dict[str, Any] = {}
        for v in found:
            metrics |= {f"{v.kind}.gain_minor": v.gain.value, f"{v.kind}.gain_minor_low": v.gain.low}
            metrics |= {f"{v.kind}.gain_minor_high": v.gain.high}
        tracking.log_metrics(metrics)


def main(arguments: Sequence[str] | None = None) -> None:
    """Compare two versions, by default the newest with the champion. Exits with a message where that cannot be done."""
    parser = argparse.ArgumentParser(description="Two models side by side, in money and in words.")
    parser.add_argument("one", nargs="?", help="the older version; default: the champion, or the one before")
    parser.add_argument("other", nargs="?", help="the newer version; default: the newest")
    chosen = parser.parse_args(arguments)
    try:
        print(compare(read_settings(os.environ), chosen.one, chosen.other))
    except KairosError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
