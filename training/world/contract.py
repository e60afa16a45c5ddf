"""The market in the form of the contract: what anyone could know of it, and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from features.domain import DAY, HOUR, SECOND, Instant
from features.instant import parse_instant
from training.world.chance import stream
from training.world.diary import NONE, Column
from training.world.market import Market
from training.world.parameters import CATEGORIES, MEDIA
from training.world.people import OFFSETS_MIN, ZONES, Floats, Index

BEGIN: Instant = parse_instant("2025-01-06T00:00:00Z")
"""Day 0 is a Monday."""
KIND = "campaign"
INSTANT = pa.timestamp("us", tz="UTC")


def customer_ids(customers: Column) -> pa.Array:
    """How customers are called outside."""
    return pa.array([f"c{number:05d}" for number in customers.tolist()])


def offer_ids(offers: Column) -> pa.Array:
    """How offers are called outside; null for none."""
    return pa.array([None if number == NONE else f"o{number:02d}" for number in offers.tolist()], pa.string())


def instants(market: Market, customers: Index, hour: Floats) -> pa.Array:
    """UTC instants of customers' local hours."""
    offset = np.array(OFFSETS_MIN)[market.people.zone[customers]] * 60 * SECOND
    return pa.array(BEGIN + np.round(hour * HOUR).astype(np.int64) - offset, INSTANT)


def write(market: Market, folder: Path) -> dict[str, int]:
    """Write the tables as Parquet; the number of rows of each."""
    folder.mkdir(parents=True, exist_ok=True)
    tables = {
        "customers": _customers(market),
        "identities": _identities(market),
        "channels": _channels(),
        "offers": offer_table(market),
        "events": _events(market),
        "decisions": _decisions(market),
    }
    for name, table in tables.items():
        pq.write_table(table, folder / f"{name}.parquet", compression="zstd")
    return {name: table.num_rows for name, table in tables.items()}


def _customers(market: Market) -> pa.Table:
    """Profiles that have something to do with the tastes; of some customers nothing is known."""
    people, rng = market.people, stream(market.seed, "profiles")
    here = market.present()
    n, f = len(market.people), market.people.factors
    unknown = (rng.random(n) < market.parameters.unknown_share)[here]
    age = np.clip(np.round(45 + 13 * f[:, 0] + rng.normal(0, 4, n)), 18, 95)[here]
    income = np.round(np.exp(15.2 + 0.3 * f[:, 1] + rng.normal(0, 0.2, n)))[here]
    gender = np.where(f[:, 2] + rng.normal(0, 0.7, n) > 0, "f", "m")[here]
    joined = BEGIN + people.joined[here].astype(np.int64) * DAY
    known = {
        "age_years": pa.array(age, pa.float64(), mask=unknown),
        "income_minor": pa.array(income, pa.float64(), mask=unknown),
        "household_size": pa.array(1.0 + rng.poisson(1.2, n)[here], pa.float64(), mask=unknown),
        "gender": pa.array(gender.tolist(), pa.string(), mask=unknown),
        "home_owner": pa.array((rng.random(n) < 0.3 + 0.4 * (f[:, 1] > 0))[here], pa.bool_(), mask=unknown),
    }
    columns = {"customer_id": customer_ids(here), "zone": pa.array(np.array(ZONES)[people.zone[here]].tolist())}
    return pa.table(
        columns | known | {"member_since": pa.array(joined, INSTANT), "known_at": pa.array(joined, INSTANT)}
    )


def _identities(market: Market) -> pa.Table:
    ids = customer_ids(market.present())
    return pa.table({"customer_id": ids, "namespace": pa.array(["crm"] * len(ids)), "value": ids})


def _channels() -> pa.Table:
    ways: list[dict[str, Any]] = [
        {"channel": m.name, "direction": "outbound", "addressable": True, "cost_minor": m.cost_minor} for m in MEDIA
    ]
    ways += [{"channel": w, "direction": "inbound", "addressable": False, "cost_minor": 0.0} for w in ("store", "web")]
    return pa.Table.from_pylist(ways)


def offer_table(market: Market) -> pa.Table:
    """The offers that have been made by today."""
    made = np.flatnonzero(market.offers.first_day <= market.day)
    offers = market.offers
    category = [CATEGORIES[c] for c in offers.category[made]]
    percent = np.round(100 * offers.incentive[made] / offers.margin[made]).astype(int)
    names = [f"{name.title()}, {p} % of the margin back" for name, p in zip(category, percent, strict=True)]
    names = [name if p else name.partition(",")[0] for name, p in zip(names, percent, strict=True)]
    carried = [[m.name for m, yes in zip(MEDIA, row, strict=True) if yes] for row in offers.carried[made]]
    columns = {
        "offer_id": offer_ids(made),
        "kind": pa.array([KIND] * len(made)),
        "category": pa.array(category),
        "buys": pa.array(category),
        "name": pa.array(names),
        "channels": pa.array(carried, pa.list_(pa.string())),
        "margin_minor": pa.array(offers.margin[made].astype(np.int64)),
        "incentive_minor": pa.array(offers.incentive[made].astype(np.int64)),
        "window_days": pa.array(offers.window[made].astype(np.float64)),
        "automatic": pa.array(offers.automatic[made]),
        "valid_from": pa.array(BEGIN + offers.first_day[made].astype(np.int64) * DAY - DAY, INSTANT),
    }
    return pa.table(columns)


def _events(market: Market) -> pa.Table:
    """What happened up to the last evening, in the order in which it happened."""
    all_rows = market.diary.all_events()
    order = np.argsort(all_rows["hour"], kind="stable")
    rows = {name: values[order] for name, values in all_rows.items()}
    customer, hour = rows["customer"].astype(np.intp), rows["hour"].astype(np.float64)
    words = [None if c == NONE else CATEGORIES[c] for c in rows["category"].tolist()]
    decisions = [None if d == NONE else f"d{d}" for d in rows["decision"].tolist()]
    value = rows["value"].astype(np.float64)
    return pa.table(
        {
            "source": pa.array(["world"] * len(hour)),
            "event_id": pa.array([f"e{number}" for number in order.tolist()]),
            "customer_id": customer_ids(customer),
            "kind": pa.array(rows["kind"].tolist()),
            "channel": pa.array(rows["channel"].tolist()),
            "occurred_at": instants(market, customer, hour),
            "received_at": instants(market, customer, hour + rows["late_hours"].astype(np.float64)),
            "offer_id": offer_ids(rows["offer"]),
            "category": pa.array(words, pa.string()),
            "value_minor": pa.array(value.astype(np.int64), mask=value == NONE),
            "decision_id": pa.array(decisions, pa.string()),
        }
    )


def _decisions(market: Market) -> pa.Table:
    """Decisions as they were logged; a contact that was not made cannot have been noticed."""
    rows = market.diary.all_decisions()
    if not rows:
        return pa.table({"decision_id": pa.array([], pa.string()), "customer_id": pa.array([], pa.string())})
    silent, probability = rows["offer"] == NONE, rows["probability"].astype(np.float64)
    names = [None if c == NONE else MEDIA[c].name for c in rows["channel"].tolist()]
    customer = rows["customer"].astype(np.intp)
    return pa.table(
        {
            "decision_id": pa.array([f"d{number}" for number in rows["decision"].tolist()]),
            "customer_id": customer_ids(customer),
            "kind": pa.array([KIND] * len(customer)),
            "decided_at": instants(market, customer, rows["hour"].astype(np.float64)),
            "offer_id": offer_ids(rows["offer"]),
            "channel": pa.array(names, pa.string()),
            "probability": pa.array(probability, mask=np.isnan(probability)),
            "noticed": pa.array(rows["noticed"].tolist(), pa.bool_(), mask=silent),
        }
    )
