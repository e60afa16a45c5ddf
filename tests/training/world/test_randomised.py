import numpy as np
import pytest

from training.world.diary import NONE
from training.world.market import Market
from training.world.parameters import Inside, Parameters
from training.world.randomised import asks, randomised, randomised_days


@pytest.mark.slow
@pytest.mark.parametrize("inside", list(Inside))
def test_the_funnel_is_near_published_rates(inside: Inside) -> None:
    """E-mails opened about 18.7 %, clicked about 1.1 % of those sent, in the mean of some seeds."""
    sent = opened = clicked = 0
    for seed in range(4):
        market = Market.of(Parameters(inside, customers=1_000, days=25), seed)
        for _ in randomised_days(market, quiet_days=5, contacts=3_000, silence=0.1):
            pass
        events = market.diary.all_events()
        by_email = events["channel"] == "email"
        sent += (by_email & (events["kind"] == "sent")).sum()
        opened += (by_email & (events["kind"] == "viewed")).sum()
        clicked += (by_email & (events["kind"] == "clicked")).sum()
    assert opened / sent == pytest.approx(0.187, abs=0.025)
    assert clicked / sent == pytest.approx(0.011, abs=0.004)


def test_logged_probabilities_are_those_of_the_draws() -> None:
    market = Market.of(Parameters(Inside.LOGISTIC, customers=8_000, days=20), 1)
    market.morning()
    customers, hour = asks(market, 6_000)
    contacts = randomised(market, customers, hour, silence=0.2)
    silent = contacts.offer == NONE
    assert silent.mean() == pytest.approx(0.2, abs=4 * np.sqrt(0.16 / len(silent)))
    assert (contacts.probability[silent] == 0.2).all()
    allowed = market.truth(customers, hour).allowed.sum(axis=(1, 2))
    assert contacts.probability[~silent] == pytest.approx(0.8 / allowed[~silent])
