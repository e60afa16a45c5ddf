import json

import pytest

from serving.patience import UNLEARNT, Answered, Patience
from serving.policy.policy import Losses
from serving.score import ASSUMED, Attention

LEARNT = Patience(Attention(2.0, 0.5), Answered(0.004, 0.002), Answered(0.001, 0.0), lost_minor=100.0)


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
    assert Patience.of(json.loads(json.dumps(LEARNT.document()))) == LEARNT


def test_a_model_of_before_keeps_its_price() -> None:
    assert Patience.of({"contact": 3.0, "slope": 1.0}).price(Losses(leaving_minor=1_500)) == Attention(3.0, 1.0)
