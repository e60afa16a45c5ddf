"""What a contest found, in MLflow and as a table."""

from __future__ import annotations

import pyarrow as pa

from training import tracking
from training.contest import MODEL, POPULARITY, Contest
from training.plots import drivers_figure, quality_figure, shares_figure
from training.summary import numbers, table
from training.words import title


def log_contest(contest: Contest, notices_known: bool, seed: int) -> None:
    """Metrics, tables and pictures of one part."""
    found, where = numbers(contest), f"{contest.kind}.{contest.name}"
    for contender, measured in found["contenders"].items():
        prefix = where if contender == MODEL else f"{where}.{contender.replace(' ', '_')}"
        tracking.log_metrics(tracking.flat(prefix, measured, tuple(measured)))
    for channel in found["by_channel"]:
        prefix = f"{where}.channel.{channel['name'] or 'none'}"
        tracking.log_metrics(tracking.flat(prefix, channel, ("auc", "mean_predicted", "mean_observed")))
    folder, words = f"{contest.kind}/{contest.name}", title(contest.kind, contest.name, notices_known)
    tracking.log_json(found, f"{folder}/numbers.json")
    tracking.log_text(table(contest), f"{folder}/table.txt")
    tracking.log_figure(quality_figure(contest, words), f"{folder}/quality.png")
    tracking.log_figure(drivers_figure(contest, f"What drives it: {words}", seed), f"{folder}/drivers.png")
    offers = {s["name"]: (s["mean_predicted"], s["mean_observed"], s["rows"]) for s in found["by_offer"]}
    tracking.log_figure(shares_figure(offers, words), f"{folder}/offers.png")


def predictions(contests: list[Contest]) -> pa.Table:
    """What the model and popularity said of every judged row, for later comparison."""
    return pa.concat_tables(
        pa.table(
            {
                "part": pa.array([str(c.name)] * len(c.test), pa.string()),
                "kind": pa.array([c.kind] * len(c.test), pa.string()),
                "decision_id": pa.array(c.test.decisions, pa.string()),
                "customer_id": pa.array(c.test.customers, pa.string()),
                "offer_id": pa.array(c.test.offers, pa.string()),
                "channel": pa.array(c.test.channels, pa.string()),
                "taken": pa.array(c.test.taken),
                "weight": pa.array(c.test.weight),
                "probability": pa.array(c.said[MODEL]),
                "popularity": pa.array(c.said[POPULARITY]),
            }
        )
        for c in contests
    )
