"""One vector, three ways: from history through Feast, from an online store of that day, and from the bare log."""

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from numpy.typing import NDArray

from features.catalogue import Catalogue
from features.domain import CustomerId, Event, Instant, Kind, OfferId
from features.evidence import MARKET, Pooled, pool
from features.rows import PROFILE_VALUES, Profile
from features.schema import EVIDENCE_SCHEMA
from features.state import NEVER, State
from serving.feature_reader import FeatureReader, KnownProfile
from serving.pairs import NAMES, Known, Pair, vectors
from serving.settings import Settings, read_settings
from serving.store import SqliteReader
from tests.oracle import DAY_US, Remembered, event_of, remembered, to_state
from training.assemble import assemble
from training.feature_store import open_store

pytestmark = pytest.mark.slow

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
RELATIVE, ABSOLUTE = 1e-6, 1e-12
SIZES = {"small": {"files": (60, 3), "complete_journey": (20, 1), "starbucks": (20, 1)}}
SIZES["full"] = {"files": (1_000, 8), "complete_journey": (1_000, 12), "starbucks": (1_000, 6)}
"""Vectors and distinct instants, by size and source."""


UNTOLD = Profile(np.full(len(PROFILE_VALUES), np.nan), np.int64(NEVER)), "UTC"  # type: ignore[arg-type]
"""Of a customer whose profile is not known."""


@dataclass(frozen=True)
class Sample:
    """What is asked: (customer, offer, channel, instant) at instants of decisions."""

    settings: Settings
    catalogue: Catalogue
    rows: pa.Table

    def pairs(self) -> list[tuple[CustomerId, Pair, Instant]]:
        return [
            (row["customer_id"], self.pair(row["offer_id"], row["channel"]), row["decided_us"])
            for row in self.rows.to_pylist()
        ]

    def pair(self, offer_id: str, channel: str) -> Pair:
        return Pair(self.catalogue.offer[OfferId(offer_id)], self.catalogue.channel[channel])  # type: ignore[index]

    def instants(self) -> list[Instant]:
        return sorted(set(self.rows["decided_us"].to_pylist()))


def draw(settings: Settings, n: int, n_instants: int) -> Sample:
    """Drawn with a fixed seed: customers at instants of their decisions, each with any offer on one of its channels."""
    rng = np.random.default_rng(3)
    catalogue = Catalogue.from_json(settings.catalogue_file.read_text())
    asked = duckdb.sql(
        "SELECT DISTINCT customer_id, epoch_us(decided_at) AS decided_us "
        f"FROM '{settings.contract_dir}/decisions.parquet' ORDER BY ALL"
    ).to_arrow_table()
    instants, numbers = np.unique(asked["decided_us"].to_numpy(), return_counts=True)
    often = instants[np.argsort(-numbers, kind="stable")[: 3 * n_instants]]
    chosen = np.isin(asked["decided_us"].to_numpy(), rng.choice(often, min(n_instants, len(often)), replace=False))
    places = rng.permutation(np.flatnonzero(chosen))[:n]
    offers = [catalogue.offers[i] for i in rng.integers(0, len(catalogue.offers), len(places))]
    rows = asked.take(places).append_column("offer_id", pa.array([o.offer_id for o in offers]))
    return Sample(
        settings, catalogue, rows.append_column("channel", pa.array([str(rng.choice(o.channels)) for o in offers]))
    )


def from_history(sample: Sample) -> NDArray[np.float32]:
    return assemble(open_store(sample.settings), sample.catalogue, sample.rows, NAMES).X


def from_stores(sample: Sample, folder: Path) -> NDArray[np.float32]:
    """From one online store per instant, materialised up to it by Feast and read as of it by the service."""
    readers = {at: store_of(sample.settings, at, folder / str(at)) for at in sample.instants()}
    pooled = {at: pooled_of(sample, readers[at].evidence(at), at) for at in readers}
    found = []
    for customer, pair, at in sample.pairs():
        told = readers[at].profile(customer) or KnownProfile(*UNTOLD)
        known = Known(at, readers[at].activity(customer, at), told.profile, told.zone)
        found.append(vectors(known, [pair], pooled[at])[0])
    return np.stack(found)


def store_of(settings: Settings, at: Instant, folder: Path) -> FeatureReader:
    """Works on a copy of the registry: Feast notes in it what it materialised."""
    own = replace(settings, data_dir=folder)
    own.feast_dir.mkdir(parents=True)
    shutil.copy(settings.feast_dir / "registry.db", own.feast_dir)
    open_store(own).materialize(datetime(1970, 1, 2, tzinfo=UTC), EPOCH + timedelta(microseconds=at))
    return SqliteReader(own.online_file, settings.feature_ttl_days)


def from_the_log(sample: Sample, lost: int = 0) -> NDArray[np.float32]:
    """From the contract's tables alone, by plain loops; without each customer's last ``lost`` events known by then."""
    folder, categories = sample.settings.contract_dir, sample.catalogue.categories
    wanted = sorted({customer for customer, _, _ in sample.pairs()})
    events = events_of(folder, wanted)
    profiles = profiles_of(folder, wanted)
    scan = Scan(folder, sample.catalogue)
    pooled = {at: pooled_of(sample, scan.evidence(at), at) for at in sample.instants()}
    found = []
    for customer, pair, at in sample.pairs():
        known = sorted((e for e in events.get(customer, []) if e.received_at <= at), key=lambda e: e.counts_at)
        state = to_state(remembered(known[: len(known) - lost], at, categories=categories), at)
        known_at, profile, zone = profiles[customer]
        profile, zone = (profile, zone) if known_at <= at else UNTOLD
        found.append(vectors(Known(at, state, profile, zone), [pair], pooled[at])[0])
    return np.stack(found)


def pooled_of(sample: Sample, states: Any, at: Instant) -> Pooled:
    return pool(sample.catalogue.offers, [c.name for c in sample.catalogue.channels], states, at)


def micros(table: pa.Table) -> pa.Table:
    for place, column in enumerate(table.schema):
        if pa.types.is_timestamp(column.type):
            table = table.set_column(place, column.name, table[column.name].cast(pa.int64()))
    return table


def events_of(folder: Path, customers: list[CustomerId]) -> dict[CustomerId, list[Event]]:
    found: dict[CustomerId, list[Event]] = {}
    table = micros(pq.read_table(folder / "events.parquet", filters=[("customer_id", "in", customers)]))
    for row in table.to_pylist():
        event = event_of(row)
        found.setdefault(event.customer_id, []).append(event)
    return found


def profiles_of(folder: Path, customers: list[CustomerId]) -> dict[CustomerId, tuple[int, Profile, str]]:
    """When each profile was told, what was told, and the zone."""
    found = {}
    table = micros(pq.read_table(folder / "customers.parquet", filters=[("customer_id", "in", customers)]))
    for row in table.to_pylist():
        told = row | {"gender": {"f": 0, "m": 1, "o": 2}.get(row["gender"])}
        values = [np.nan if told[name] is None else float(told[name]) for name in PROFILE_VALUES]
        since = NEVER if row["member_since"] is None else row["member_since"]
        profile = Profile(np.array(values), np.int64(since))  # type: ignore[arg-type]
        found[row["customer_id"]] = row["known_at"], profile, row["zone"]
    return found


class Scan:
    """The evidence of every offer, from arrays of the whole log, event by event of each offer."""

    def __init__(self, folder: Path, catalogue: Catalogue) -> None:
        self._offers = catalogue.offers
        log = micros(pq.read_table(folder / "events.parquet"))
        self._kind = np.array(log["kind"].to_pylist())
        self._customer = np.array(log["customer_id"].to_pylist())
        self._received = log["received_at"].to_numpy()
        self._counts = np.minimum(log["occurred_at"].to_numpy(), self._received)
        self._value = np.nan_to_num(log["value_minor"].cast(pa.float64()).to_numpy())
        self._channel, self._offer, self._category = (
            np.array(log[name].fill_null("").to_pylist()) for name in ("channel", "offer_id", "category")
        )
        self._about = np.flatnonzero(np.isin(self._kind, [Kind.SENT, Kind.VIEWED, Kind.CLICKED, Kind.REDEEMED]))
        self._bought = np.flatnonzero(self._kind == Kind.PURCHASED)

    def evidence(self, at: Instant) -> dict[OfferId, State]:
        bought = self._purchases(at)
        nothing = (0.0, 0.0)
        of_offers: dict[OfferId, Remembered] = {
            o.offer_id: self._responses(o.offer_id, o.audience, at) for o in self._offers
        }
        takes = {o.offer_id: bought.get(o.buys or "*", nothing) for o in self._offers}
        of_offers[MARKET], takes[MARKET] = {("evidence", ""): ([0.0] * 5, [None, None])}, bought.get("*", nothing)
        for offer_id, found in of_offers.items():
            found["evidence", ""][0][3:] = takes[offer_id]
        return {offer_id: to_state(found, at, EVIDENCE_SCHEMA) for offer_id, found in of_offers.items()}

    def _purchases(self, at: Instant) -> dict[str, tuple[float, float]]:
        """Number and amount of purchases by category, half-life 60 days; ``*`` for all."""
        rows = self._bought[self._received[self._bought] <= at]
        weight = 2.0 ** (-(at - self._counts[rows]) / DAY_US / 60)
        names, place = np.unique(self._category[rows], return_inverse=True)
        number = np.bincount(place, weights=weight, minlength=len(names))
        amount = np.bincount(place, weights=weight * self._value[rows], minlength=len(names))
        found = {str(name): (float(n), float(a)) for name, n, a in zip(names, number, amount, strict=True)}
        return found | {"*": (float(weight.sum()), float((weight * self._value[rows]).sum()))}

    def _responses(self, offer_id: OfferId, audience: OfferId | None, at: Instant) -> Remembered:
        rows = self._about[self._received[self._about] <= at]
        kind, offer = self._kind[rows], self._offer[rows]
        opened_by = offer_id if audience is None else audience
        behind = [o.offer_id for o in self._offers if o.audience == offer_id]
        sent = rows[(kind == Kind.SENT) & np.isin(offer, [offer_id, opened_by])]
        noticed = rows[np.isin(kind, [Kind.VIEWED, Kind.CLICKED]) & (offer == offer_id)]
        taken = self._taken(rows[kind == Kind.REDEEMED], offer_id, [b for b in behind if b != offer_id], opened_by)
        found: Remembered = {
            ("evidence", ""): (
                [self._faded(sent, at), self._faded(noticed, at), self._faded(taken, at), 0.0, 0.0],
                [self._latest(sent), self._latest(taken)],
            )
        }
        for channel in {*self._channel[sent].tolist(), *self._channel[noticed].tolist()}:
            on = [self._faded(part[self._channel[part] == channel], at) for part in (sent, noticed)]
            found["evidence_channel", channel] = (on, [])
        return found

    def _taken(self, rows: NDArray[np.intp], offer_id: OfferId, behind: list[OfferId], opened_by: OfferId) -> Any:
        """Every redemption of an offer; of a mailing's enclosures (and for the mailing) each customer's first known."""
        own, enclosed = rows[self._offer[rows] == offer_id], rows[np.isin(self._offer[rows], behind)]
        if opened_by != offer_id:
            own = self._first_of_each_customer(own)
        return np.concatenate([own, self._first_of_each_customer(enclosed)])

    def _first_of_each_customer(self, rows: NDArray[np.intp]) -> NDArray[np.intp]:
        in_turn = rows[np.lexsort((self._counts[rows], self._received[rows]))]
        return in_turn[np.unique(self._customer[in_turn], return_index=True)[1]]

    def _faded(self, rows: NDArray[np.intp], at: Instant) -> float:
        return float((2.0 ** (-(at - self._counts[rows]) / DAY_US / 180)).sum())

    def _latest(self, rows: NDArray[np.intp]) -> int | None:
        return int(self._counts[rows].max()) if len(rows) else None


def difference(left: NDArray[np.float32], right: NDArray[np.float32]) -> NDArray[np.float64]:
    """Relative difference of each value; infinite where only one of the two is unknown."""
    a, b = left.astype(np.float64), right.astype(np.float64)
    apart = np.abs(a - b)
    relative = np.where(apart <= ABSOLUTE, 0.0, apart / np.maximum(np.maximum(np.abs(a), np.abs(b)), ABSOLUTE))
    return np.where(np.isnan(a) & np.isnan(b), 0.0, np.nan_to_num(relative, nan=np.inf))


def compare(settings: Settings, folder: Path, record: Callable[[str, object], None]) -> None:
    sample = draw(settings, *SIZES[read_settings(os.environ).proof_size][settings.source])
    ways = {
        "history": from_history(sample),
        "online": from_stores(sample, folder),
        "log": from_the_log(sample),
    }
    record(f"{settings.source} vectors", len(sample.rows))
    record(f"{settings.source} instants", len(sample.instants()))
    record(f"{settings.source} features", len(NAMES))
    record(f"{settings.source} known values", int((~np.isnan(ways["log"])).sum()))
    for name in ("history", "online"):
        apart = difference(ways[name], ways["log"])
        record(f"{settings.source} {name} against log, largest relative difference", f"{apart.max():.1e}")
        worst = [NAMES[i] for i in np.flatnonzero((apart > RELATIVE).any(axis=0))]
        assert worst == [], f"{name} and log differ by up to {apart.max():.1e}"


@pytest.mark.proof(name="parity")
def test_the_three_ways_agree_on_the_small_world(
    small_store: Settings, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    compare(small_store, tmp_path, record_property)


def test_one_lost_event_is_noticed(small_store: Settings) -> None:
    sample = draw(small_store, *SIZES["small"]["files"])
    history = from_history(sample)
    noticed = (difference(history, from_the_log(sample, lost=1)) > RELATIVE).any(axis=1)
    active = ~np.isnan(history[:, NAMES.index("customer_days_since_earliest_active")])
    assert noticed[active].all()
    assert active.sum() > 20


@pytest.mark.proof(name="parity")
@pytest.mark.parametrize("source", ["complete_journey", "starbucks"])
def test_the_three_ways_agree_on_real_logs(
    source: Any, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    settings = replace(read_settings(os.environ), source=source)
    if not settings.catalogue_file.exists():
        if settings.proof_size == "full":
            pytest.fail(f"the proof needs `make data features SOURCE={source}`")
        pytest.skip(f"needs `make data features SOURCE={source}`")
    compare(settings, tmp_path, record_property)
