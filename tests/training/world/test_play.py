from dataclasses import replace

import numpy as np
import pytest

from training.world.market import Contacts, Market
from training.world.parameters import MEDIA, Inside, Parameters
from training.world.play import oracle, play, silent, uniform

SMALL = Parameters(Inside.LOGISTIC, customers=400, days=20)


def days(policy, parameters: Parameters = SMALL):
    return list(play(Market.of(parameters, 1), policy, days=12, decisions=120))


def test_the_oracle_earns_what_can_be_earned_and_silence_nothing() -> None:
    best, quiet, random = days(oracle), days(silent), days(uniform)
    assert all(day.value == pytest.approx(day.oracle) for day in best)
    assert all(day.value == 0.0 and day.contacts == 0 and day.opted_out == 0 for day in quiet)
    assert sum(day.value for day in random) < 0 < sum(day.value for day in best)


def test_the_oracle_keeps_to_what_channels_can_carry(monkeypatch: pytest.MonkeyPatch) -> None:
    scarce = tuple(replace(medium, capacity=0.05) for medium in MEDIA)
    monkeypatch.setattr("training.world.market.MEDIA", scarce)
    played = days(oracle)
    assert all(day.contacts <= 4 * 20 for day in played)
    assert sum(day.value for day in played) > 0


def test_more_than_a_channel_can_carry_is_refused_and_leaves_no_trace() -> None:
    market = Market.of(replace(SMALL, cap_per_week=7), 1)
    market.morning()
    sms = 2
    who = market.present()
    allowed = market.truth(who, np.full(len(who), 12.0)).allowed[:, :, sms]
    offer = allowed.argmax(axis=1)
    contacts = Contacts(who, np.full(len(who), 12.0), offer, np.full(len(who), sms), np.ones(len(who)))
    with pytest.raises(ValueError, match="too many"):
        market.act(contacts)
    assert not market.diary.all_decisions()
    assert (market.condition.attention == 1.0).all()
    assert market.decisions == 0


def test_policies_meet_the_same_customers() -> None:
    first, second = (Market.of(SMALL, 1) for _ in range(2))
    for _ in zip(play(first, silent, 5, 50), play(second, uniform, 5, 50), strict=True):
        pass
    asked = [market.diary.all_decisions()["customer"] for market in (first, second)]
    assert (asked[0] == asked[1]).all()
