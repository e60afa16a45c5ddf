import os

import numpy as np
import pytest

from serving.settings import read_settings
from training.parts.delay import at_age, matured, still_to_come
from training.world.market import Contacts, Market
from training.world.oracle import earned
from training.world.parameters import Inside, Parameters
from training.world.randomised import asks, randomised

WINDOW, AGE = 30, 10


def _answers(market: Market, day: int, known_on: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of all contacts up to a day with a window of 30 days that were noticed: day, and days until bought (NaN)."""
    decisions, events = market.diary.all_decisions(), market.diary.all_events()
    made = decisions["offer"] >= 0
    offer = np.maximum(decisions["offer"], 0)
    chosen = made & decisions["noticed"] & (market.offers.window[offer] == WINDOW) & (decisions["hour"] < 24.0 * day)
    bought = (events["kind"] == "purchased") & (events["hour"] + events["late_hours"] < 24.0 * known_on)
    by_pair: dict[tuple[int, int], list[float]] = {}
    for c, k, h in zip(events["customer"][bought], events["category"][bought], events["hour"][bought], strict=True):
        by_pair.setdefault((int(c), int(k)), []).append(float(h))
    hours = decisions["hour"][chosen]
    delays = []
    for c, o, h in zip(decisions["customer"][chosen], decisions["offer"][chosen], hours, strict=True):
        after = [x - h for x in by_pair.get((int(c), int(market.offers.category[o])), []) if 0 < x - h <= 24 * WINDOW]
        delays.append(min(after, default=float("nan")) / (24 * WINDOW))
    return hours / 24.0, np.array(delays), decisions["customer"][chosen]


def _campaign(market: Market) -> Contacts:
    """Everybody, on one day, with a random offer whose window is 30 days."""
    customers, hour = asks(market, 10**6)
    long = market.offers.window == WINDOW
    known = market.truth(customers, hour)
    allowed = (known.allowed & long[None, :, None]).reshape(len(customers), -1)
    some = allowed.any(axis=1)
    chance = np.random.default_rng(market.seed).random(allowed.shape)
    pair = np.where(allowed, chance, -1.0).argmax(axis=1)
    offer, channel = (np.where(some, each, -1) for each in np.divmod(pair, known.allowed.shape[2]))
    room = np.ones(len(offer), dtype=bool)
    for c, left in enumerate(market.left()):
        room[np.flatnonzero(channel == c)[left:]] = False
    offer, channel = np.where(room, offer, -1), np.where(room, channel, -1)
    assert (earned(known.value, offer, channel) > -np.inf).all()
    return Contacts(customers, hour, offer, channel, np.ones(len(customers)))


@pytest.mark.slow
@pytest.mark.proof(name="delay")
def test_a_young_campaign_is_judged_without_taking_not_yet_for_no(record_property) -> None:
    # 30-day windows, the campaign is 10 days old; what came of it when all windows had ended is the truth.
    seeds = range(1, 13) if read_settings(os.environ).proof_size == "full" else range(1, 4)
    truth = naive = split = 0.0
    for seed in seeds:
        market = Market.of(Parameters(Inside.LOGISTIC, days=120), seed)
        if not (market.offers.window[: market.parameters.offers] == WINDOW).any():
            continue
        start = 60
        for day in range(start + WINDOW + 3):
            market.morning()
            if 10 <= day < start:
                market.act(randomised(market, *asks(market, 300), silence=0.1))
            elif day == start:
                market.act(_campaign(market))
        at, delay, _ = _answers(market, start + 1, start + 1 + AGE)
        age = np.minimum((start + 1 + AGE - at) / WINDOW, 1.0)
        late = still_to_come(delay, age, np.ones(len(delay)))
        young = at >= start
        answered = np.isfinite(delay[young])
        naive += answered.sum()
        split += matured(answered, age[young], late) * young.sum()
        _, later, _ = _answers(market, start + 1, start + WINDOW + 3)
        truth += np.isfinite(later[young]).sum()
    record_property("bias_naive", round(float(naive / truth - 1.0), 3))
    record_property("bias_split", round(float(split / truth - 1.0), 3))
    print(
        f"campaign 10 days old, window 30: bias 'not yet = no' {naive / truth - 1:+.1%}, split {split / truth - 1:+.1%}"
    )
    assert naive / truth - 1.0 < -0.3
    assert abs(split / truth - 1.0) <= 0.12


def test_delays_are_learnt_from_contacts_of_all_ages() -> None:
    rng = np.random.default_rng(3)
    age, true = rng.random(40_000), rng.random(40_000) ** 2
    late = still_to_come(np.where(true <= age, true, np.nan), age, np.ones(len(age)))
    asked = np.array([0.0, 0.1, 0.3, 0.6, 1.0])
    assert at_age(late, asked) == pytest.approx(1.0 - np.sqrt(asked), abs=0.05)


def test_what_has_no_open_window_is_left_as_it_is() -> None:
    answered = np.array([True, False, False, True])
    assert (
        matured(answered, np.ones(4), still_to_come(np.array([0.2, np.nan, np.nan, 0.9]), np.ones(4), np.ones(4)))
        == 0.5
    )
    assert np.isnan(matured(answered[:0], np.zeros(0), np.linspace(1, 0, 21)))
