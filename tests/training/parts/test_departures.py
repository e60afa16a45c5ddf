import numpy as np
import pytest

from serving.patience import Answered
from training.parts.departures import answered

PRIOR = Answered(0.005, 0.002)


def test_without_contacts_the_published_rates_hold() -> None:
    found = answered(np.zeros(0), np.zeros(0, dtype=np.bool_), PRIOR)
    assert (found.rested, found.weary) == pytest.approx((PRIOR.rested, PRIOR.weary))


def test_many_contacts_outweigh_what_is_published() -> None:
    rng = np.random.default_rng(3)
    recent = rng.uniform(0.0, 4.0, 400_000)
    found = answered(recent, rng.random(400_000) < 0.001 + 0.006 * recent, PRIOR)
    assert (found.rested, found.weary) == pytest.approx((0.001, 0.006), abs=6e-4)


def test_few_without_a_departure_lower_the_rate_and_not_to_nothing() -> None:
    found = answered(np.full(300, 1.0), np.zeros(300, dtype=np.bool_), PRIOR)
    assert 0.0 < found.rested + found.weary < PRIOR.rested + PRIOR.weary
