import json
from dataclasses import replace

import pytest

from serving.attention import ASSUMED, Attention
from serving.patience import UNLEARNT, Answered, Patience, Toll
from serving.policy.policy import Losses

LEARNT = Patience(Attention(2.0, 0.5), Answered(0.004, 0.002), Answered(0.001, 0.0), lost_minor=100.0)
APART = replace(LEARNT, usual=2.0, tolls=(Toll("app", 0.4), Toll("sms", 1.8, leaving=2.0)))


def test_departures_cost_what_the_policy_tells() -> None:
    told = LEARNT.price(Losses(leaving_minor=1_500, complaint_minor=200))
    assert told.contact == pytest.approx(2.0 + 0.004 * 1_500 + 0.001 * 200)
    assert told.slope == pytest.approx(0.5 + 0.002 * 1_500)


def test_untold_they_cost_what_was_yet_to_be_earned() -> None:
    assert LEARNT.price(Losses()).contact == pytest.approx(2.0 + 0.004 * 100)


def test_a_cold_start_is_careful_where_departures_are_known_to_cost() -> None:
    careful = UNLEARNT.price(Losses(leaving_minor=1_500))
    assert careful.contact > ASSUMED.contact + 5
    assert careful.slope > ASSUMED.slope
    assert UNLEARNT.price(Losses()) == ASSUMED


def test_what_was_learnt_goes_with_the_model() -> None:
    assert Patience.of(json.loads(json.dumps(APART.document()))) == APART


def test_a_channel_takes_its_share_of_every_part_of_the_price() -> None:
    price = APART.price(Losses(leaving_minor=1_000))
    # After the usual two contacts, 3 are for what follows and 8 for leaving.
    assert price.share("app") == pytest.approx((0.4 * 3.0 + 8.0) / 11.0)
    assert price.share("sms") == pytest.approx((1.8 * 3.0 + 2.0 * 8.0) / 11.0)
    assert price.share("email") == 1.0


def test_the_price_of_a_mean_contact_is_that_of_before() -> None:
    apart, same = (each.price(Losses(leaving_minor=1_000)) for each in (APART, LEARNT))
    assert (apart.contact, apart.slope) == (same.contact, same.slope)


def test_what_costs_nothing_has_no_shares() -> None:
    free = replace(APART, wear=Attention(0.0, 0.0), leaving=Answered(0.0, 0.0), complaining=Answered(0.0, 0.0))
    assert free.price(Losses(leaving_minor=1_000)) == Attention(0.0, 0.0)


def test_a_model_of_before_charges_all_channels_alike() -> None:
    document = {key: value for key, value in APART.document().items() if key not in {"usual", "tolls"}}
    assert Patience.of(document) == LEARNT


def test_a_model_of_before_keeps_its_price() -> None:
    assert Patience.of({"contact": 3.0, "slope": 1.0}).price(Losses(leaving_minor=1_500)) == Attention(3.0, 1.0)
