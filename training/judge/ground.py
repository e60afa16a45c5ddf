"""One market: the log that contenders learn from, and fresh occasions of which the judge knows the truth."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from features.catalogue import Catalogue
from features.clock import SystemClock
from features.domain import DAY, Instant
from serving.settings import Settings
from training.assemble import assembled
from training.import_data import import_data, request_from
from training.offered import build_catalogue
from training.parts.experience import Experience, experience
from training.recall import Recall
from training.value.trial import Floats, Index, Mask, Matrix
from training.world.contract import BEGIN, customer_ids, instants, offer_ids, write
from training.world.market import Market
from training.world.oracle import best, earned
from training.world.parameters import MEDIA, Inside, Parameters
from training.world.randomised import asks, randomised_days
from training.world.truth import Truth

SILENCE = 0.1
"""Share of logged decisions that say nothing."""
QUIET = 0.3
"""Share of the days before the first contact."""
AT_ONCE = 1_000
"""Customers whose pairs are made into vectors at a time."""


@dataclass(frozen=True, slots=True)
class Size:
    """How large a market is judged."""

    customers: int = 4_000
    days: int = 100
    contacts: int = 20_000


@dataclass(frozen=True, slots=True, eq=False)
class Occasions:
    """Customers of a day after the log, every pair for each: what anybody may know of them."""

    X: Matrix
    """Whole vectors, ``[n · pairs, n_features]``, customer by customer."""
    customer: Index
    offer: Index
    """Of every pair, ``[pairs]``."""
    channel: Index
    """Of every pair, ``[pairs]``, into the catalogue's channels."""
    allowed: Mask
    """``[n, pairs]``: valid, carried, in stock, not opted out, below the weekly cap."""

    def __len__(self) -> int:
        return len(self.customer)

    def all_offers(self) -> Index:
        """The offer of every row of ``X``."""
        return np.tile(self.offer, len(self))

    def all_channels(self) -> Index:
        """The channel of every row of ``X``."""
        return np.tile(self.channel, len(self))


@dataclass(frozen=True, slots=True, eq=False)
class Ground:
    """What a contest takes place on."""

    known: Experience
    occasions: Occasions
    truth: Truth
    """In the order of the occasions; for the judge alone."""
    value: Floats
    """True value of every pair, ``[n, pairs]``; minus infinity where it is not allowed."""

    @property
    def oracle(self) -> Floats:
        """What the best choice is worth for every customer, ``[n]``."""
        return earned(self.truth.value, *best(self.truth.value))

    def worth(self, choice: Index) -> Floats:
        """True value of the chosen pairs, ``[n]``; −1 is silence and worth 0."""
        rows = np.arange(len(choice))
        found: Floats = np.where(choice < 0, 0.0, self.value[rows, np.maximum(choice, 0)])
        return found


def prepare(settings: Settings, inside: Inside, seed: int, size: Size) -> Ground:
    """Let the market write its log, learn the features of it, and ask for the customers of the day after."""
    market = Market.of(Parameters(inside, customers=size.customers, days=size.days), seed)
    for _ in randomised_days(market, round(size.days * QUIET), size.contacts, SILENCE):
        pass
    market.morning()
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=settings.data_dir, prefix="judge-") as name:
        folder = Path(name) / "world"
        write(market, folder)
        own = replace(settings, data_dir=Path(name), source="files", files=folder, journal=None)
        import_data(replace(request_from(own, SystemClock().now()), progress=False))
        catalogue = build_catalogue(own)
        at = Instant(BEGIN + size.days * DAY)
        known = experience(own.contract_dir, catalogue, at, threads=settings.threads, seed=settings.seed)
        who, hour = asks(market, size.customers)
        occasions = _occasions(market, Recall(own.contract_dir, catalogue, settings.threads), catalogue, who, hour)
    truth = market.truth(who, hour)
    return Ground(known, replace(occasions, allowed=_flat(truth.allowed)), truth, _flat(truth.value))


def _flat(of_pairs: NDArray[Any]) -> NDArray[Any]:
    return of_pairs.reshape(len(of_pairs), -1)


def _occasions(market: Market, recall: Recall, catalogue: Catalogue, who: Index, hour: Floats) -> Occasions:
    names = [str(channel.name) for channel in catalogue.channels]
    made, ways = len(market.offers), [medium.name for medium in MEDIA]
    offer, way = np.repeat(np.arange(made), len(ways)), np.tile(np.arange(len(ways)), made)
    at = instants(market, who, 24.0 * market.day + hour).cast(pa.int64()).to_numpy()
    ids, offers, channels = customer_ids(who), offer_ids(offer), pa.array(ways).take(pa.array(way))
    parts = []
    for start in range(0, len(who), AT_ONCE):
        rows = np.arange(start, min(start + AT_ONCE, len(who)))
        pair = pa.array(np.tile(np.arange(len(offer)), len(rows)))
        asked = {
            "customer_id": ids.take(pa.array(np.repeat(rows, len(offer)))),
            "offer_id": offers.take(pair),
            "channel": channels.take(pair),
            "decided_us": np.repeat(at[rows], len(offer)),
        }
        parts.append(assembled(recall, catalogue, pa.table(asked)).X)
    places = np.array([catalogue.offers.index(catalogue.offer[o]) for o in offers.to_pylist()])
    channel = np.array([names.index(name) for name in ways])[way]
    return Occasions(np.concatenate(parts), who, places, channel, np.zeros(0, dtype=np.bool_))
