"""Which channel wears customers out most, told by contacts on whichever channel."""

import os
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from features.domain import DAY, HOUR
from serving.patience import Answered
from serving.settings import read_settings
from training.parts.attention import USUAL, learn_wear
from training.parts.channels import answers_beside, beside, learn_falls, recent_by_channel
from training.value.trial import Floats
from training.world.diary import NONE
from training.world.market import Market
from training.world.parameters import MEDIA, Inside, Parameters
from training.world.randomised import randomised_days

EACH = 20
"""Contacts with a customer."""


Log = tuple[NDArray[np.intp], NDArray[np.intp], Floats, Floats]


def log(falls: list[float], customers: int, *, chosen: bool = False, seed: int = 3) -> Log:
    """Customer, channel, recent contacts by channel and whether noticed, of a log in which noticing falls so;
    ``chosen``: customers who notice more are written to more often, most of all where they do."""
    rng, k = np.random.default_rng(seed), len(falls)
    who = np.repeat(np.arange(customers), EACH)
    liking = rng.gamma(4.0, 0.25, (customers, k))
    often = liking.mean(axis=1)[who] if chosen else np.ones(len(who))
    at = rng.uniform(0.0, 60.0 / often) * DAY
    cumulated = np.cumsum((liking**2 if chosen else np.ones_like(liking))[who], axis=1)
    channel = (rng.random(len(who)) * cumulated[:, -1] > cumulated.T).sum(axis=0)
    recent = recent_by_channel(who, at.astype(np.int64), channel, k)
    noticed = rng.random(len(who)) < np.minimum(0.3 * liking[who, channel], 1.0) * np.exp(-recent @ np.array(falls))
    return who, channel, recent, noticed.astype(np.float64)


def learnt(falls: list[float], customers: int, *, chosen: bool = False) -> Floats:
    """What is learnt of such a log beside the mean contact."""
    who, channel, recent, noticed = log(falls, customers, chosen=chosen)
    return beside(learn_falls(who, channel, recent, noticed).by_channel, np.bincount(channel, minlength=len(falls)))


@pytest.mark.parametrize("chosen", [False, True])
def test_what_all_contacts_take_together_is_seen_beside_what_their_customers_do_when_rested(chosen: bool) -> None:
    who, channel, recent, noticed = log([0.2] * 3, 2_000, chosen=chosen)
    rested = learn_falls(who, channel, recent, noticed).rested
    wear = learn_wear(recent.sum(axis=1), rested, noticed, np.zeros(len(who), dtype=np.bool_))
    assert -np.log(wear.share(np.ones(1)))[0] == pytest.approx(0.2, abs=0.04)


def test_channels_that_wear_out_alike_take_the_same() -> None:
    assert learnt([0.2] * 3, 2_000) == pytest.approx(np.ones(3), abs=0.15)


@pytest.mark.parametrize("chosen", [False, True])
def test_a_channel_that_wears_out_twice_as_much_takes_more_also_where_contacts_were_chosen(chosen: bool) -> None:
    found = learnt([0.1, 0.2, 0.3], 2_000, chosen=chosen)
    assert found == pytest.approx([0.5, 1.0, 1.5], abs=0.25)


def test_little_data_leaves_every_channel_at_the_mean() -> None:
    assert learnt([0.0, 0.2, 0.4], 0) == pytest.approx(np.ones(3), abs=1e-9)
    assert learnt([0.0, 0.2, 0.4], 5) == pytest.approx(np.ones(3), abs=0.35)


def test_the_mean_contact_takes_one_and_hardly_any_wear_tells_no_channel_apart() -> None:
    made = np.array([10.0, 80.0, 10.0])
    assert beside(np.array([0.1, 0.2, 0.6]), made) @ made == pytest.approx(made.sum())
    assert beside(USUAL * np.array([0.0, 0.01, 0.05]), made) == pytest.approx(np.ones(3), abs=0.05)


def test_recent_contacts_are_those_of_the_same_customer_by_channel_and_age() -> None:
    customer = np.array(["b", "a", "a", "b", "a", "a"])
    at = np.array([0, 0, 7, 8, 14, 14], dtype=np.int64) * DAY
    found = recent_by_channel(customer, at, np.array([2, 0, 1, 2, 0, 1]), 3)
    nobody = [0.0, 0.0, 0.0]
    expected = [nobody, nobody, [0.5, 0.0, 0.0], [0.0, 0.0, 2.0 ** (-8 / 7)], [0.25, 0.5, 0.0], [0.25, 0.5, 0.0]]
    assert found == pytest.approx(np.array(expected))


def test_a_channel_that_is_left_more_often_is_told_apart_and_few_departures_hardly() -> None:
    channel, mean = np.repeat([0, 1], 20_000), Answered(0.01, 0.0)
    left = np.arange(40_000) % np.where(channel == 0, 200, 67) == 0
    assert answers_beside(left, channel, np.zeros(40_000), mean, 2) == pytest.approx([0.5, 1.5], abs=0.05)
    assert answers_beside(left[:100], channel[:100], np.zeros(100), mean, 2) == pytest.approx([1.0, 1.0], abs=0.1)


@pytest.mark.proof(name="tolls")
@pytest.mark.parametrize("inside", list(Inside))
def test_of_a_random_log_the_market_channels_are_put_into_their_order(
    inside: Inside, record_property: Callable[[str, object], None]
) -> None:
    seeds = range(31, 51) if read_settings(os.environ).proof_size == "full" else range(31, 33)
    true, found = -np.log1p([-medium.wear for medium in MEDIA]), []
    for seed in seeds:
        market = Market.of(Parameters(inside, customers=1_500, days=40), seed)
        for _ in randomised_days(market, 12, 9_000, 0.1):
            pass
        pages = market.diary.decisions
        who, hour, way, offer, noticed = (
            np.concatenate([page[name] for page in pages])
            for name in ("customer", "hour", "channel", "offer", "noticed")
        )
        said = offer != NONE
        at, who, way = (hour[said] * HOUR).astype(np.int64), who[said], way[said]
        falls = learn_falls(who, way, recent_by_channel(who, at, way, len(MEDIA)), noticed[said].astype(np.float64))
        found.append(beside(falls.by_channel, np.bincount(way, minlength=len(MEDIA))))
    alike = [float(np.corrcoef(each, true)[0, 1]) for each in found]
    for number, medium in enumerate(MEDIA):
        learnt_share, true_share = np.mean([each[number] for each in found]), true[number] / true.mean()
        record_property(f"{inside}: {medium.name}", f"{learnt_share:.2f}, in truth {true_share:.2f}")
    record_property(f"{inside}: correlation with the truth", f"{np.mean(alike):.2f}, least {min(alike):.2f}")
    assert np.mean(alike) > 0.5
