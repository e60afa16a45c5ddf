from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from math import exp

import numpy as np
import pytest

from features.catalogue import Catalogue
from features.domain import HOUR, ChannelName, CustomerId, DecisionId, Event, Instant
from features.fold import fold
from features.state import empty
from features.vector import FEATURES
from serving.decide import decide
from serving.decision import Ask, Decision
from serving.equipment import Equipment
from serving.moments import moments
from serving.pairs import Known, moment_vectors, stranger, vectors
from serving.part import PartName
from serving.policy.policy import DEFAULT, Quiet
from serving.typical import OfferPair, Typical

HOUR_COLUMN = [feature.name for feature in FEATURES].index("moment_hour")


@dataclass(frozen=True)
class Evening:
    """Noticed best at 19 o'clock, the less the further away; log-odds fall by ``slope`` an hour."""

    slope: float
    typical: Typical = field(default_factory=lambda: Typical(0.3, {}, {}))

    def probability(self, X: np.ndarray, pairs: Sequence[OfferPair]) -> np.ndarray:
        return 1.0 / (1.0 + np.exp(self.slope * np.abs(X[:, HOUR_COLUMN].astype(float) - 19.0)))


@dataclass(frozen=True)
class Always:
    """The same for everybody."""

    p: float

    @property
    def typical(self) -> Typical:
        return Typical(self.p, {}, {})

    def probability(self, X: np.ndarray, pairs: Sequence[OfferPair]) -> np.ndarray:
        return np.full(len(X), self.p)


@dataclass(frozen=True)
class Hours:
    """A model whose channel response depends on the hour alone."""

    slope: float
    version: str = "hours"

    def part(self, name: PartName, kind: str) -> object:
        return {
            PartName.CHANNEL_RESPONSE: Evening(self.slope),
            PartName.OFFER_RESPONSE: Always(0.95),
            PartName.ORGANIC: Always(0.0),
        }.get(name)


@pytest.fixture
def by_post(
    equipment: Callable[..., Equipment], shop: Catalogue, history: list[Event], now: Instant
) -> Callable[..., Decision]:
    """Ann's decision for offers that go by post; now it is 14 o'clock where she is."""

    def run(
        model: object, known: Known | None = None, channels: Sequence[str] = ("direct_mail",), **lines: object
    ) -> Decision:
        offers = tuple(
            replace(offer, channels=(ChannelName("direct_mail"), ChannelName("app")), margin_minor=900)
            for offer in shop.offers
            if offer.kind == "promotion"
        )
        with_ = replace(equipment(model, replace(shop, offers=offers)), policy=replace(DEFAULT, **lines))  # type: ignore[arg-type]
        ann = replace(stranger(now), activity=fold(empty(), history), zone="Europe/Berlin")
        open_ = frozenset(ChannelName(name) for name in channels)
        ask = Ask(DecisionId("d"), CustomerId("ann"), now, "promotion", open_, 5)
        return decide(ask, known or ann, with_)

    return run


def hours_ahead(found: Decision, offer_id: str, now: Instant) -> float:
    item = next(item for item in found.items if item.scored.pair.offer.offer_id == offer_id)
    return (item.scored.moment - now) / HOUR


def test_the_message_goes_out_when_the_customer_is_likeliest_to_notice(
    by_post: Callable[..., Decision], now: Instant
) -> None:
    found = by_post(Hours(0.4))
    assert hours_ahead(found, "promo-milk", now) == 5  # 19 o'clock
    assert next(i.scored.noticed for i in found.items) == pytest.approx(0.5)
    at_once = by_post(Hours(0.4), horizon_hours=0)
    noticed = [channel.best.noticed for channel in at_once.channels if channel.best]
    assert noticed == [pytest.approx(1 / (1 + exp(0.4 * 5)))]


def test_quiet_hours_move_a_message_to_the_next_best_hour(by_post: Callable[..., Decision], now: Instant) -> None:
    found = by_post(Hours(0.1), quiet=(Quiet(18 * 60, 21 * 60),))
    assert hours_ahead(found, "promo-milk", now) == 3  # 17 o'clock is nearer to 19 than 21 is, by no more: the earlier


def test_what_ends_before_goes_out_while_it_may(by_post: Callable[..., Decision], now: Instant) -> None:
    assert hours_ahead(by_post(Hours(0.1)), "promo-tea", now) == 0


def test_where_nothing_tells_the_hours_apart_the_fallback_hour_is_taken(
    by_post: Callable[..., Decision], now: Instant
) -> None:
    assert hours_ahead(by_post(Hours(0.0)), "promo-milk", now) == 20  # 10 o'clock tomorrow
    assert hours_ahead(by_post(Hours(0.0), fallback_hour=14), "promo-milk", now) == 0
    unknown = replace(stranger(now), zone="Europe/Berlin")
    assert hours_ahead(by_post(Hours(0.4), unknown), "promo-milk", now) == 20


def test_the_customer_who_has_come_is_answered_now(by_post: Callable[..., Decision], now: Instant) -> None:
    assert {item.scored.moment for item in by_post(Hours(0.4), channels=("app",)).items} == {now}


def test_other_moments_are_seen_as_they_would_be_then(
    by_post: Callable[..., Decision], equipment: Callable[..., Equipment], history: list[Event], now: Instant
) -> None:
    known = replace(stranger(now), activity=fold(empty(), history), zone="Europe/Berlin")
    evidence, pairs = equipment(None).evidence, equipment(None).pairs[:1]
    ahead = moments(now, known.zone, 24)
    found = moment_vectors(known, ahead.hour, ahead.weekday)
    columns = [n for n, feature in enumerate(FEATURES) if feature.group == "moment"]
    for place, instant in enumerate(ahead.instants.tolist()):
        # What was long ago hardly fades within a day, so that only the clock differs.
        later = vectors(replace(known, at=Instant(instant)), pairs, evidence)[0, columns]
        np.testing.assert_allclose(found[place], later, rtol=0.02)
