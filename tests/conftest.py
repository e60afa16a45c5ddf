"""A small world for tests of the whole way from events to decisions: made up, seeded, with effects one can learn.

200 customers in three time zones over 120 days; rewards by e-mail and in the app in weekly waves, coupons by post;
some events learnt late, some profiles unknown or learnt late.
"""

import json
import os
import re
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import settings as hypothesis_settings

from features.column import ColumnType
from features.contract import TABLES
from features.domain import DAY, HOUR, SECOND, Instant
from features.instant import format_instant, parse_instant
from features.moment import offset_min
from serving.settings import Settings, read_settings

# The same examples on every run, and no deadline: the machine may be busy with other tests.
hypothesis_settings.register_profile("kairos", derandomize=True, deadline=None, max_examples=40)
hypothesis_settings.load_profile("kairos")

BEGIN = parse_instant("2024-01-01T00:00:00Z")
DAYS, WAVE_DAYS, CUSTOMERS = 120, 7, 200
CATEGORIES = ("bread", "coffee", "fruit", "wine")
ZONES = ("UTC", "America/New_York", "Asia/Kolkata")
REWARDS = (*(f"reward-{category}" for category in CATEGORIES), "reward-anything")
COUPONS = ("coupon-coffee", "coupon-wine")
MAILING_AT = tuple(Instant(BEGIN + day * DAY) for day in (30, 75))
ARROW = {
    ColumnType.TEXT: pa.string(),
    ColumnType.INSTANT: pa.timestamp("us", tz="UTC"),
    ColumnType.INTEGER: pa.int64(),
    ColumnType.SHORT: pa.int16(),
    ColumnType.REAL: pa.float64(),
    ColumnType.FLAG: pa.bool_(),
    ColumnType.LIST: pa.list_(pa.string()),
}


def zone_of(customer: str) -> str:
    return ZONES[int(customer[1:]) % len(ZONES)]


@dataclass
class World:
    """The rows of every table of the contract, as they are made."""

    rng: np.random.Generator
    tables: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: {t.name: [] for t in TABLES})

    def happened(self, customer: str, kind: str, channel: str, at: int, **more: Any) -> None:
        late = int(self.rng.integers(1, 4 * DAY)) if self.rng.random() < 0.05 else 0
        number = len(self.tables["events"])
        row = {"source": "world", "event_id": f"e{number}", "customer_id": customer, "kind": kind, "channel": channel}
        offset = offset_min(zone_of(customer), Instant(at))
        self.tables["events"].append(
            row | {"occurred_at": at, "received_at": at + late, "utc_offset_min": offset} | more
        )

    def bought(self, customer: str, category: str, at: int) -> None:
        self.happened(
            customer,
            "purchased",
            "store",
            at,
            category=category,
            value_minor=int(self.rng.integers(200, 3_000)),
            discount_minor=int(self.rng.integers(0, 100)),
        )


def _offers(world: World) -> None:
    terms = {"incentive_minor": 100, "min_spend_minor": 500, "window_days": 7.0, "automatic": True}
    for offer_id in REWARDS:
        category = offer_id.removeprefix("reward-")
        row = {"offer_id": offer_id, "kind": "reward", "category": category, "name": f"A reward for {category}"}
        buys = category if category in CATEGORIES else None
        world.tables["offers"].append(
            row | terms | {"channels": ["email", "app"], "margin_minor": 400, "response": "purchase", "buys": buys}
        )
    for offer_id in ("mailing", *COUPONS):
        category = offer_id.removeprefix("coupon-")
        row = {"offer_id": offer_id, "kind": "coupon", "category": category, "name": f"By post: {category}"}
        world.tables["offers"].append(
            row
            | {"channels": ["direct_mail"], "margin_minor": 900, "incentive_minor": 150, "response": "redemption"}
            | {"min_spend_minor": 0, "window_days": 21.0, "automatic": False, "audience": "mailing"}
            | {"buys": category if category in CATEGORIES else None}
        )


def _channels(world: World) -> None:
    for name, direction, cost in (
        ("email", "outbound", 0.1),
        ("app", "inbound", 0.0),
        ("direct_mail", "outbound", 50.0),
        ("store", "inbound", 0.0),
    ):
        row = {"channel": name, "direction": direction, "addressable": direction == "outbound", "cost_minor": cost}
        world.tables["channels"].append(row)


def _customer(world: World, number: int) -> None:
    rng, customer = world.rng, f"c{number:03d}"
    known = rng.random() < 0.7
    joined = BEGIN - int(rng.integers(30, 900)) * DAY if rng.random() < 0.8 else None
    profile = {
        "age_years": float(rng.integers(18, 90)) if known else None,
        "income_minor": float(rng.integers(2_000_000, 9_000_000)) if known else None,
        "gender": str(rng.choice(["f", "m", "o"])) if known else None,
        "home_owner": bool(rng.random() < 0.5) if known else None,
        "member_since": joined,
        "known_at": BEGIN + 40 * DAY if rng.random() < 0.1 else BEGIN - DAY,
    }
    world.tables["customers"].append({"customer_id": customer, "zone": zone_of(customer)} | profile)
    world.tables["identities"].append({"customer_id": customer, "namespace": "crm", "value": customer})
    taste = rng.dirichlet([0.6] * len(CATEGORIES))
    hour, rate = int(rng.integers(7, 22)), rng.gamma(2.0, 0.12)
    for day in range(DAYS):
        for _ in range(rng.poisson(rate)):
            at = BEGIN + day * DAY + hour * HOUR + int(rng.integers(0, 2 * HOUR))
            if rng.random() < 0.3:
                world.happened(customer, "visited", "app", at - HOUR, category=str(rng.choice(CATEGORIES, p=taste)))
            world.bought(customer, str(rng.choice(CATEGORIES, p=taste)), at)
    _rewards(world, customer, taste, attentive=rng.beta(2, 2))
    _mailings(world, customer, taste, eager=rng.beta(1, 3))


def _rewards(world: World, customer: str, taste: np.ndarray, attentive: float) -> None:
    rng = world.rng
    for day in range(WAVE_DAYS, DAYS - 1, WAVE_DAYS):
        at = BEGIN + day * DAY + 9 * HOUR
        row = {"decision_id": f"w{day}-{customer}", "customer_id": customer, "kind": "reward", "decided_at": at}
        row |= {"weight": 1.0, "noticed": None, "offer_id": None, "channel": None, "probability": 0.2}
        if rng.random() < 0.8:
            offer, channel = str(rng.choice(REWARDS)), str(rng.choice(["email", "app"]))
            about = {"offer_id": offer, "category": offer.removeprefix("reward-"), "decision_id": row["decision_id"]}
            world.happened(customer, "sent", channel, at + SECOND, **about)
            noticed = bool(rng.random() < (attentive if channel == "email" else 0.8 * attentive))
            row |= {"offer_id": offer, "channel": channel, "probability": 0.08, "noticed": noticed}
            if noticed:
                world.happened(customer, "viewed", channel, at + int(rng.integers(1, DAY)), **about)
                liked = dict(zip(CATEGORIES, taste, strict=True)).get(about["category"], 0.25)
                if rng.random() < 0.1 + 0.6 * liked:
                    bought = about["category"] if about["category"] in CATEGORIES else str(rng.choice(CATEGORIES))
                    world.bought(customer, bought, at + int(rng.integers(DAY, 6 * DAY)))
        world.tables["decisions"].append(row)


def _mailings(world: World, customer: str, taste: np.ndarray, eager: float) -> None:
    rng = world.rng
    for nr, at in enumerate(MAILING_AT):
        if rng.random() < 0.5:
            continue
        row = {"customer_id": customer, "kind": "coupon", "decided_at": at, "channel": "direct_mail", "weight": 1.0}
        world.happened(customer, "sent", "direct_mail", at + SECOND, offer_id="mailing", category="mailing")
        world.tables["decisions"].append(row | {"decision_id": f"m{nr}-{customer}", "offer_id": "mailing"})
        for coupon in COUPONS:
            category = coupon.removeprefix("coupon-")
            world.tables["decisions"].append(row | {"decision_id": f"m{nr}-{customer}-{category}", "offer_id": coupon})
            if rng.random() < eager * (0.2 + taste[CATEGORIES.index(category)]):
                used_at = at + int(rng.integers(DAY, 20 * DAY))
                world.bought(customer, category, used_at)
                world.happened(customer, "redeemed", "store", used_at, offer_id=coupon, category=category)


def write_world(folder: Path, seed: int = 11, customers: int = CUSTOMERS) -> None:
    """Write the small world in the form of the contract, or one like it with more customers."""
    world = World(np.random.default_rng(seed))
    _offers(world)
    _channels(world)
    for number in range(customers):
        _customer(world, number)
    folder.mkdir(parents=True)
    for table in TABLES:
        schema = pa.schema([(column.name, ARROW[column.type]) for column in table.columns])
        rows = [{name: row.get(name) for name in schema.names} for row in world.tables[table.name]]
        pq.write_table(pa.Table.from_pylist(rows, schema=schema), folder / f"{table.name}.parquet")
    occurred = [row["occurred_at"] for row in world.tables["events"]]
    manifest = {
        "source": "files",
        "fingerprint": f"small-world-{seed}-{customers}",
        "rows": {name: len(rows) for name, rows in world.tables.items()},
        "quarantined": {},
        "begins_at": format_instant(Instant(min(occurred))),
        "ends_at": format_instant(Instant(max(occurred))),
        "checked_as_of": format_instant(Instant(max(occurred))),
        "assumptions": ["Everything is made up."],
        "limits": ["These data are made up."],
    }
    (folder / "manifest.json").write_text(json.dumps(manifest))


def settings_of(data_dir: Path, **more: str) -> Settings:
    """Settings for the small world in this folder."""
    chosen = {
        "data_dir": str(data_dir),
        "source": "files",
        "clock": "simulated",
        "threads": "1",
        "deadline_ms": "0",
    } | more
    return read_settings({f"KAIROS_{name.upper()}": value for name, value in chosen.items()})


@pytest.fixture(scope="session")
def small_world(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Settings of a source ``files`` whose contract folder holds the small world. Do not write into it."""
    settings = settings_of(tmp_path_factory.mktemp("small-world"))
    write_world(settings.contract_dir)
    return settings


@pytest.fixture(scope="session")
def small_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """The small world after ``make features``, of which who writes makes a copy."""
    from training.materialise import materialise  # Feast takes seconds to import

    settings = settings_of(tmp_path_factory.mktemp("small-store"))
    write_world(settings.contract_dir)
    materialise(settings, progress=False)
    yield settings
    assert not settings.models_dir.exists(), "a test has trained in the folder that all tests share"


def forget_probabilities(contract: Path) -> None:
    """Its decisions as they are where nobody kept with which probability they were made."""
    file = contract / "decisions.parquet"
    decisions = pq.read_table(file)
    place, unknown = decisions.schema.get_field_index("probability"), pa.nulls(len(decisions), pa.float64())
    pq.write_table(decisions.set_column(place, "probability", unknown), file)


PERSONAL = re.compile(r"[\w.+-]+@example\.(org|com)|\+?49[ \d()-]{9,}", re.IGNORECASE)
"""The addresses and telephone numbers of these tests."""


OPTIONAL_DATA = re.compile("starbucks", re.IGNORECASE)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A test fails when what it had logged names somebody, and in CI when it is skipped for more than optional data."""
    report = yield
    if report.skipped and os.environ.get("CI") and not OPTIONAL_DATA.search(reason := str(report.longrepr)):
        report.outcome, report.longrepr = "failed", f"CI must have what this test needs: {reason}"
    logged = "\n".join(text for title, text in report.sections if title.startswith(("Captured log", "Captured stderr")))
    if report.passed and (found := PERSONAL.search(logged)) is not None:
        report.outcome, report.longrepr = "failed", f"{found[0]!r} stands in the log:\n{logged}"
    return report
