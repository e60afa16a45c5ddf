from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from shutil import copyfile
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient

from features.catalogue import Catalogue
from features.clock import SimulatedClock
from features.codec import Packed
from features.domain import (
    DAY,
    HOUR,
    Category,
    Channel,
    ChannelName,
    CustomerId,
    Direction,
    Event,
    EventId,
    Instant,
    Kind,
    Offer,
    OfferId,
    Response,
)
from features.errors import ModelError
from features.evidence import MARKET
from features.fold import fold
from features.instant import parse_instant
from features.schema import EVIDENCE_SCHEMA
from features.state import empty
from features.stored import ACTIVITY, EVIDENCE, PROFILE, state_to_row
from serving.app import serve
from serving.archive import Archive
from serving.attention import Attention
from serving.crowd import Crowd
from serving.equipment import Equipment, pooled
from serving.journal import Journal
from serving.listing import Listing
from serving.part import PartName
from serving.parts import Parts
from serving.registry import Registry
from serving.score import Model
from serving.store import MemoryReader
from tests.databases import migrated_file

__all__ = ["migrated_file"]
from serving.typical import OfferPair, Typical
from serving.watch import Watch

NOW = parse_instant("2017-10-01T12:00:00Z")
MAIL, FLYER, APP = ChannelName("direct_mail"), ChannelName("mailer"), ChannelName("app")


def _offer(offer_id: str, kind: str, category: str, *channels: ChannelName, **terms: object) -> Offer:
    given: dict[str, object] = {"margin_minor": 300, "incentive_minor": 50, "buys": Category(category), **terms}
    return Offer(OfferId(offer_id), kind, Category(category), f"{kind} {category}", channels, **given)  # type: ignore[arg-type]


SHOP = Catalogue(
    source="shop",
    currency="EUR",
    now=NOW,
    fingerprint="shop-1",
    offers=(
        _offer("mailing", "campaign", "autumn", MAIL, buys=None, response=Response.REDEMPTION, audience="mailing"),
        _offer(
            "coupon-milk", "coupon", "milk", MAIL, response=Response.REDEMPTION, audience="mailing", window_days=30.0
        ),
        _offer("coupon-old", "coupon", "milk", MAIL, response=Response.REDEMPTION, valid_to=Instant(NOW - DAY)),
        _offer("coupon-soon", "coupon", "milk", MAIL, response=Response.REDEMPTION, valid_from=Instant(NOW + DAY)),
        _offer("promo-milk", "promotion", "milk", FLYER, APP, automatic=True),
        _offer("promo-tea", "promotion", "tea", FLYER, APP, MAIL, valid_to=Instant(NOW + HOUR // 2)),
        _offer("promo-rum", "promotion", "rum", FLYER),
    ),
    channels=(
        Channel(MAIL, Direction.OUTBOUND, True, 50.0),
        Channel(FLYER, Direction.BROADCAST, False, 2.0),
        Channel(APP, Direction.INBOUND, True, 0.0),
    ),
    limits=("Nothing here is real.",),
)


@dataclass(frozen=True)
class FakePart:
    """The same probability for every pair, unless another is given for an offer; remembers what it was asked."""

    otherwise: float
    by_offer: Mapping[str, float] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)

    @property
    def typical(self) -> Typical:
        return Typical(
            self.otherwise, {}, {f"{o}|{c}": p for o, p in self.by_offer.items() for c in (MAIL, FLYER, APP)}
        )

    def probability(self, X: np.ndarray, pairs: Sequence[OfferPair]) -> np.ndarray:
        self.asked.extend((offer_id, channel) for offer_id, _, channel in pairs)
        return np.array([self.by_offer.get(offer_id, self.otherwise) for offer_id, _, _ in pairs], dtype=np.float64)


@dataclass(frozen=True)
class FakeModel:
    """Parts that hold for every kind."""

    parts: Mapping[PartName, FakePart]
    version: str = "fake-1"

    def part(self, name: PartName, kind: str) -> FakePart | None:
        return self.parts.get(name)


@pytest.fixture
def now() -> Instant:
    return NOW


@pytest.fixture
def shop() -> Catalogue:
    return SHOP


@pytest.fixture
def model() -> Callable[..., Model]:
    """A model that says what it is told: ``model(taken={"promo-tea": 0.4}, organic=0.1)``."""

    def make(
        taken: Mapping[str, float] | None = None, organic: float | None = 0.1, noticed: float | None = None
    ) -> Model:
        parts = {PartName.OFFER_RESPONSE: FakePart(0.2, taken or {})}
        if organic is not None:
            parts[PartName.ORGANIC] = FakePart(organic)
        if noticed is not None:
            parts[PartName.CHANNEL_RESPONSE] = FakePart(noticed)
        return FakeModel(parts)

    return make


@pytest.fixture
def equipment() -> Callable[..., Equipment]:
    def make(model: Model | None, catalogue: Catalogue = SHOP) -> Equipment:
        return Equipment(catalogue, pooled(catalogue, {}, NOW), NOW, Attention(1.0, 0.5), model)

    return make


@pytest.fixture
def event() -> Callable[..., Event]:
    """One event of Ann: ``event(Kind.SENT, days_ago=3, offer_id="mailing")``."""
    numbers = iter(range(1_000_000))

    def make(kind: Kind, days_ago: float = 1.0, channel: str = MAIL, **given: object) -> Event:
        at = Instant(NOW - round(days_ago * DAY))
        number = EventId(str(next(numbers)))
        return Event("test", number, CustomerId("ann"), kind, ChannelName(channel), at, at, **given)  # type: ignore[arg-type]

    return make


@pytest.fixture
def history(event: Callable[..., Event]) -> list[Event]:
    """Ann was mailed and buys milk every week."""
    bought = [
        event(Kind.PURCHASED, days, "store", category=Category("milk"), value_minor=250) for days in (3, 10, 17, 24)
    ]
    return [event(Kind.SENT, 5, offer_id=OfferId("mailing")), *bought]


@pytest.fixture
def store(history: list[Event]) -> MemoryReader:
    """Knows Ann, and a little of the market."""
    reader = MemoryReader(ttl_days=400)
    packed = Packed(NOW, NOW, 0, state_to_row(fold(empty(), history)))
    reader.put(ACTIVITY, "ann", packed)
    told = {"age_years": 40.0, "income_minor": np.nan, "household_size": 2.0, "children": 0.0, "gender": 0.0}
    profile = {**told, "home_owner": 1.0, "member_since_us": NOW - 400 * DAY, "zone": "Europe/Berlin"}
    reader.put(PROFILE, "ann", Packed(NOW, NOW, 0, profile))
    for offer_id in ("promo-milk", MARKET):
        state = fold(empty(EVIDENCE_SCHEMA), history, EVIDENCE_SCHEMA)
        reader.put(EVIDENCE, offer_id, Packed(NOW, NOW, 0, state_to_row(state, EVIDENCE_SCHEMA)))
    return reader


@pytest.fixture
def place(tmp_path: Path, shop: Catalogue, migrated_file: Path) -> Path:
    """A folder with the shop's catalogue, an empty journal and a champion that the fake loader knows."""
    copyfile(migrated_file, tmp_path / "journal.db")
    (tmp_path / "catalogue.json").write_text(shop.to_json())
    promote(tmp_path, "fake-1")
    return tmp_path


@pytest.fixture(name="promote")
def promoter(place: Path) -> Callable[[str], None]:
    """Promotes a version, as training does."""
    return lambda version: promote(place, version)


def promote(place: Path, version: str) -> None:
    """Put a bundle's folder in place and point to it, as promotion does."""
    folder = place / "models" / version
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "bundle.json").touch()
    pointer = place / "champion.json.new"
    pointer.write_text(json.dumps({"version": version, "promoted_at": "2017-10-01T00:00:00Z", "by": "test"}))
    pointer.replace(place / "champion.json")


@pytest.fixture
def parts(place: Path, store: MemoryReader, model: Callable[..., Model]) -> Callable[..., Parts]:
    """The parts of a service on ``place``, any of them replaced."""

    def make(**other: Any) -> Parts:
        clock = other.get("clock", SimulatedClock(NOW))
        reader = other.get("store", store)

        def load(folder: Path) -> Model:
            if not (folder / "bundle.json").exists():
                raise ModelError(f"{folder} holds no bundle")
            return replace(model({"promo-tea": 0.6}, organic=0.1), version=folder.name)  # type: ignore[type-var]

        journal = other.get("journal", Journal(f"sqlite:///{place / 'journal.db'}"))
        archive = Archive(journal, clock)
        watch = Watch(
            Listing(place / "catalogue.json", lambda _: None, archive.remembered),
            Registry(place / "champion.json", place / "models", other.get("load", load)),
            Crowd(reader, clock, lambda: 0),
            Attention(1.0, 0.5),
            poll_s=0.02,
            keep=archive.keep,
            settle=other.get("settle", lambda _: None),
        )
        watch.refresh()
        loading = other.get("load", load)
        late = other.get("deadline_ms", 0.0)
        return Parts(clock, reader, journal, watch, models_dir=place / "models", load=loading, deadline_ms=late)

    return make


@pytest.fixture
def client(parts: Callable[..., Parts]) -> Iterator[Callable[..., TestClient]]:
    """A client of a running service; ``client(store=...)`` replaces a part of it."""
    with ExitStack() as running:
        yield lambda **other: running.enter_context(TestClient(serve(parts(**other)), raise_server_exceptions=False))
