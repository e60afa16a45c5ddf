from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.catalogue import Catalogue
from features.domain import Category, Channel, ChannelName, Direction, Event, Instant, Kind, Offer, OfferId
from features.fold import fold
from features.state import empty
from serving.attention import Attention
from serving.desk import stranger
from serving.equipment import Equipment
from serving.pairs import Pair, remembered, vectors
from serving.part import PartName
from serving.popularity import popularity
from serving.score import Chances, Model, chances
from serving.worth import value

probability = st.floats(0, 1)


def _pair(equipment: Equipment, offer_id: str, channel: str) -> Pair:
    return next(p for p in equipment.pairs if (p.offer.offer_id, p.channel.name) == (offer_id, channel))


def _odds(**each: float | None) -> Chances:
    arrays: dict[str, Any] = {name: None if value is None else np.array([value]) for name, value in each.items()}
    return Chances(**arrays)


def test_the_value_adds_up_from_the_parts_of_the_design(
    equipment: Callable[..., Equipment], model: Callable[..., Model]
) -> None:
    # Margin 300, incentive 50, paid even unnoticed; the flyer costs 2 and interrupts nobody.
    pair = _pair(equipment(None), "promo-milk", "mailer")
    parts = value(_odds(noticed=0.5, bought=0.4, used=0.4, organic=0.1), [pair], attention_minor=7)
    assert parts.margin[0] == pytest.approx(0.5 * (0.4 - 0.1) * 300)
    assert parts.incentive[0] == pytest.approx(-0.5 * 0.4 * 50)
    assert parts.unnoticed_incentive[0] == pytest.approx(-0.5 * 0.1 * 50)
    assert (parts.contact_cost[0], parts.attention[0]) == (-2, 0)
    assert parts.total[0] == pytest.approx(45 - 10 - 2.5 - 2)


def test_a_coupon_in_a_mailing_already_sent_costs_no_further_contact(equipment: Callable[..., Equipment]) -> None:
    odds = _odds(noticed=None, bought=0.2, used=0.1, organic=0.1)
    coupon, mailing = (
        value(odds, [_pair(equipment(None), offer, "direct_mail")], attention_minor=7)
        for offer in ("coupon-milk", "mailing")
    )
    assert (coupon.contact_cost[0], coupon.attention[0]) == (0, 0)
    assert (mailing.contact_cost[0], mailing.attention[0]) == (-50, -7)


@given(
    v=probability,
    p0=st.floats(0, 0.99),
    persuaded=probability,
    margin=st.integers(0, 10**6),
    paid=st.integers(0, 10**6),
)
def test_the_value_is_that_of_the_persuaded_less_what_buyers_anyway_cost(
    v: float, p0: float, persuaded: float, margin: int, paid: int
) -> None:
    channel = Channel(ChannelName("mail"), Direction.OUTBOUND, True, 50.0)
    offer = Offer(OfferId("o"), "k", Category("c"), "o", (channel.name,), margin, paid)
    q = p0 + (1 - p0) * persuaded
    found = value(_odds(noticed=v, bought=q, used=q, organic=p0), [Pair(offer, channel)], attention_minor=3)
    expected = (1 - p0) * v * persuaded * (margin - paid) - p0 * v * paid - 50 - 3
    assert found.total[0] == pytest.approx(expected, rel=1e-9, abs=1e-6)


def test_without_views_every_contact_counts_as_noticed(equipment: Callable[..., Equipment]) -> None:
    pair = _pair(equipment(None), "promo-milk", "mailer")
    unknown = value(_odds(noticed=None, bought=0.4, used=0.4, organic=0.1), [pair], 0)
    certain = value(_odds(noticed=1.0, bought=0.4, used=0.4, organic=0.1), [pair], 0)
    assert unknown.total[0] == certain.total[0]
    assert unknown.unnoticed_incentive[0] == 0


def test_redeeming_is_independent_of_buying_anyway(
    equipment: Callable[..., Equipment], model: Callable[..., Model], now: Instant
) -> None:
    held = equipment(model(taken={"coupon-milk": 0.3}, organic=0.2))
    pairs = [_pair(held, "coupon-milk", "direct_mail")]
    found = chances(
        model(taken={"coupon-milk": 0.3}, organic=0.2),
        "coupon",
        pairs,
        vectors(stranger(now), pairs, held.evidence),
        stranger=False,
    )
    assert found is not None
    assert found.used[0] == 0.3
    assert found.bought[0] == pytest.approx(0.2 + 0.8 * 0.3)


def test_what_is_bought_without_a_contact_is_asked_for_without_a_channel(
    equipment: Callable[..., Equipment], model: Callable[..., Model], now: Instant
) -> None:
    held, asked = equipment(None), model()
    pairs = [_pair(held, "promo-milk", "mailer")]
    chances(asked, "promotion", pairs, vectors(stranger(now), pairs, held.evidence), stranger=False)
    organic: Any = asked.part(PartName.ORGANIC, "promotion")
    taken: Any = asked.part(PartName.OFFER_RESPONSE, "promotion")
    assert organic.asked == [("promo-milk", "")]
    assert taken.asked == [("promo-milk", "mailer")]


def test_of_a_stranger_the_typical_is_expected_not_what_a_history_of_nothing_would_mean(
    equipment: Callable[..., Equipment], model: Callable[..., Model], now: Instant
) -> None:
    held, asked = equipment(None), model(taken={"promo-milk": 0.4}, organic=0.1)
    pairs = [_pair(held, "promo-milk", "mailer")]
    found = chances(asked, "promotion", pairs, vectors(stranger(now), pairs, held.evidence), stranger=True)
    assert found is not None
    assert (found.used[0], found.organic) == (0.4, np.array([0.1]))
    taken: Any = asked.part(PartName.OFFER_RESPONSE, "promotion")
    assert taken.asked == []


def test_every_recent_contact_makes_the_next_one_dearer(now: Instant, event: Callable[..., Event]) -> None:
    price = Attention(contact=2.0, slope=0.5).price
    assert price(remembered(empty(), "contacts_7d", now)) == 2.0
    just_now = fold(empty(), [event(Kind.SENT, 0.0), event(Kind.SENT, 0.0, "push")])
    assert price(remembered(just_now, "contacts_7d", now)) == pytest.approx(3.0)


def test_attention_is_paid_for_where_the_sender_interrupts(
    equipment: Callable[..., Equipment], shop: Catalogue
) -> None:
    held = equipment(None)
    pairs = [_pair(held, "promo-tea", channel.name) for channel in shop.channels]
    odds = Chances(None, np.full(3, 0.2), np.full(3, 0.2), None)
    paid = dict(zip((pair.channel.name for pair in pairs), value(odds, pairs, 9).attention.tolist(), strict=True))
    assert paid == {"direct_mail": -9, "mailer": 0, "app": 0}


def test_popularity_prefers_what_is_bought_more_and_is_never_zero(
    equipment: Callable[..., Equipment],
) -> None:
    held = equipment(None)
    pairs = [pair for pair in held.pairs if pair.offer.kind == "promotion"]
    found = popularity(pairs, held.evidence)
    assert (found.used > 0).all()
    assert found.organic is None
    assert found.noticed is None


def test_no_pairs_have_no_value() -> None:
    nothing = np.zeros(0)
    assert value(Chances(None, nothing, nothing, None), [], 1).total.shape == (0,)
