"""What a logged decision earned."""

import numpy as np
import pyarrow as pa
import pytest

from serving.settings import read_settings
from training.gate.replay import kept_of_prices, rewarded
from training.policy_value.logged import FOLLOWED, SAID, Logged
from training.value.trial import NONE, Arm

ARMS = (Arm(NONE, None, None), Arm("a", "a", "email", margin=300.0, incentive=200.0, cost=2.0))
ROWS = {"bought": [1_000.0, 1_000.0], "redeemed": [0.0, 200.0], "value_minor": [1_000, 1_000], "taken": [False, True]}


def log(outcome: str) -> Logged:
    return Logged(pa.table(ROWS), ARMS, np.array([0, 1]), "reward", outcome, ())


def test_of_prices_paid_the_margin_is_earned_and_of_an_incentive_all_is_given() -> None:
    earned, positive = rewarded(log(FOLLOWED), 0.3)
    assert earned.tolist() == [300.0, 300.0 - 200.0 - 2.0]
    assert positive.all()


def test_what_decisions_say_that_they_earned_is_left_as_they_say() -> None:
    assert rewarded(log(SAID), 0.3)[0].tolist() == [1_000.0, 1_000.0 - 200.0 - 2.0]


@pytest.mark.parametrize(("source", "kept"), [("starbucks", 0.25), ("complete_journey", 0.25), ("files", 1.0)])
def test_a_share_of_the_price_is_earned_where_margins_are_such_a_share(source: str, kept: float) -> None:
    told = {"KAIROS_SOURCE": "journal", "KAIROS_JOURNAL_OF": source, "KAIROS_MARGIN_SHARE": "0.25"}
    assert kept_of_prices(read_settings(told)) == kept
