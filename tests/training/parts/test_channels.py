"""Which channel wears customers out most, told by contacts on whichever channel."""

import numpy as np
import pytest

from features.domain import DAY
from serving.patience import Answered
from training.parts.channels import Recent, answers_beside, beside, learn_falls, recent_by_channel
from training.value.trial import Floats

N_CHANNELS = 3
MEAN = 0.2


def learnt(falls: list[float], n: int, seed: int = 3) -> Floats:
    """What is learnt of a log of customers whose noticing falls so, beside the mean contact."""
    rng = np.random.default_rng(seed)
    at = rng.exponential(0.7, (n, N_CHANNELS))
    full = rng.uniform(0.1, 0.6, n)
    noticed = rng.random(n) < full * np.exp(-at @ np.array(falls))
    found = learn_falls(Recent(at, np.zeros(n)), full, noticed.astype(np.float64), MEAN)
    return beside(found, np.ones(N_CHANNELS))


def test_channels_that_wear_out_alike_take_the_same() -> None:
    assert learnt([MEAN] * 3, 60_000) == pytest.approx(np.ones(3), abs=0.12)


def test_a_channel_that_wears_out_twice_as_much_takes_twice_as_much() -> None:
    falls = [0.1, 0.2, 0.3]
    found = learnt(falls, 60_000)
    assert found == pytest.approx(np.array(falls) / 0.2, abs=0.15)
    assert list(found) == sorted(found)


def test_little_data_leaves_every_channel_at_the_mean() -> None:
    assert learnt([0.0, 0.2, 0.4], 0) == pytest.approx(np.ones(3), abs=1e-12)
    found = learnt([0.0, 0.2, 0.4], 200)
    assert found == pytest.approx(np.ones(3), abs=0.3)


def test_where_nothing_wears_out_no_channel_does_more() -> None:
    nothing = learn_falls(Recent(np.ones((4, 3)), np.zeros(4)), np.ones(4), np.ones(4), 0.0)
    assert beside(nothing, np.ones(3)).tolist() == [1.0, 1.0, 1.0]


def test_the_mean_contact_takes_one() -> None:
    made = np.array([10.0, 80.0, 10.0])
    assert beside(np.array([0.1, 0.2, 0.6]), made) @ made == pytest.approx(made.sum())


def test_recent_contacts_are_those_of_the_same_customer_by_channel_and_age() -> None:
    customer = np.array(["b", "a", "a", "b", "a", "a"])
    at = np.array([0, 0, 7, 8, 14, 14], dtype=np.int64) * DAY
    channel = np.array([2, 0, 1, 2, 0, 1])
    found = recent_by_channel(customer, at, channel, N_CHANNELS)
    nobody = [0.0, 0.0, 0.0]
    expected = [nobody, nobody, [0.5, 0.0, 0.0], [0.0, 0.0, 2.0 ** (-8 / 7)], [0.25, 0.5, 0.0], [0.25, 0.5, 0.0]]
    assert found == pytest.approx(np.array(expected))


def test_a_channel_that_is_left_more_often_is_told_apart_and_few_departures_hardly() -> None:
    channel, mean = np.repeat([0, 1], 20_000), Answered(0.01, 0.0)
    left = np.arange(40_000) % np.where(channel == 0, 200, 67) == 0
    found = answers_beside(left, channel, np.zeros(40_000), mean, 2)
    assert found == pytest.approx([0.5, 1.5], abs=0.03)
    few = answers_beside(left[:100], channel[:100], np.zeros(100), mean, 2)
    assert few == pytest.approx([1.0, 1.0], abs=0.25)
