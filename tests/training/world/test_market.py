"""What the market does is what its closed form says, and anyone who acts on it meets the same luck."""

from dataclasses import replace

import numpy as np
import pytest

from training.world.chance import stream
from training.world.market import Contacts, Market
from training.world.parameters import APP, CATEGORIES, EMAIL, MEDIA, Inside, Parameters
from training.world.randomised import randomised, randomised_days

both = pytest.mark.parametrize("inside", list(Inside))
SMALL = Parameters(Inside.LOGISTIC, customers=400, days=20)


def market_after(days: int, parameters: Parameters = SMALL, seed: int = 1) -> Market:
    market = Market.of(parameters, seed)
    for _ in range(days):
        market.morning()
    return market


def one_contact(market: Market, customer: int, channel: int, hour: float = 12.0) -> None:
    who, at = np.array([customer]), np.array([hour])
    offer = int(market.truth(who, at).allowed[0, :, channel].argmax())
    market.act(Contacts(who, at, np.array([offer]), np.array([channel]), np.ones(1)))


@pytest.mark.slow
@both
def test_the_closed_form_is_what_happens(inside: Inside) -> None:
    """Every customer is contacted once at most: noticed, bought once noticed, and bought anyway come true."""
    market = Market.of(Parameters(inside, customers=9_000, days=60, newcomers=0.0), seed=3)
    rng, waiting = np.random.default_rng(1), np.random.default_rng(2).permutation(9_000)
    known, shown = [], []
    for _ in range(25):
        market.morning()
        today, waiting = np.sort(waiting[:360]), waiting[360:]
        hour = rng.uniform(8, 21, len(today))
        contacts, rows = randomised(market, today, hour, silence=0.0), np.arange(len(today))
        truth = market.truth(today, hour)
        at = rows, contacts.offer, contacts.channel
        chances = truth.noticed[at], truth.bought[at], truth.organic[at[:2]]
        noticed = market.act(contacts)
        known.append(np.column_stack(chances))
        shown.append(np.column_stack([today, 24.0 * market.day + hour, contacts.offer, noticed]))
    while market.day < 56:
        market.morning()
    (v, q, p0), (customer, hour, offer, noticed) = np.concatenate(known).T, np.concatenate(shown).T
    noticed, offer = noticed.astype(bool), offer.astype(int)
    taken = _bought(market, customer.astype(int), market.offers.category[offer], hour, market.offers.window[offer])
    _come_true(noticed, v)
    _come_true(taken[noticed], q[noticed])
    _come_true(taken[~noticed], p0[~noticed])
    likely = p0 > np.quantile(p0, 0.9)
    _come_true(taken[~noticed & likely], p0[~noticed & likely])


def _bought(
    market: Market, customer: np.ndarray, category: np.ndarray, hour: np.ndarray, days: np.ndarray
) -> np.ndarray:
    events = market.diary.all_events()
    purchase = events["kind"] == "purchased"
    keys = events["customer"][purchase] * len(CATEGORIES) + events["category"][purchase]
    hours: dict[int, list[float]] = {}
    for key, at in zip(keys.tolist(), events["hour"][purchase].tolist(), strict=True):
        hours.setdefault(key, []).append(at)
    asked = zip((customer * len(CATEGORIES) + category).tolist(), hour.tolist(), days.tolist(), strict=True)
    return np.array([any(at < h <= at + 24 * window for h in hours.get(key, ())) for key, at, window in asked])


def _come_true(happened: np.ndarray, chance: np.ndarray) -> None:
    """Within 4 standard errors: a right closed form fails in 6 of 100,000 seeds."""
    assert len(chance) > 500
    error = np.sqrt((chance * (1 - chance)).sum())
    assert abs(happened.sum() - chance.sum()) < 4 * error


def test_a_seed_is_a_market() -> None:
    diaries = []
    for seed in (1, 1, 2):
        market = Market.of(SMALL, seed)
        for _ in randomised_days(market, quiet_days=5, contacts=600, silence=0.1):
            pass
        diaries.append(market.diary.all_events())
    same, again, other = diaries
    assert all((same[name] == again[name]).all() for name in same)
    assert len(other["hour"]) != len(same["hour"])


def test_what_is_done_to_some_changes_nothing_for_others() -> None:
    quiet, busy = market_after(1), market_after(1)
    touched = quiet.present()[:100]
    for _ in range(8):
        busy.act(randomised(busy, touched, np.full(100, 12.0), silence=0.0))
        quiet.morning()
        busy.morning()
    rest = np.setdiff1d(np.arange(SMALL.customers), touched)
    assert (quiet.condition.stage[rest] == busy.condition.stage[rest]).all()
    assert (quiet.condition.bought[rest] == busy.condition.bought[rest]).all()
    assert (quiet.condition.attention[touched] > busy.condition.attention[touched]).all()


def test_attention_is_used_up_and_comes_back() -> None:
    market = market_after(1)
    one_contact(market, 7, EMAIL)
    tired = market.condition.attention[7]
    assert tired == pytest.approx(1.0 - MEDIA[EMAIL].wear)
    for _ in range(60):
        market.morning()
    assert tired < market.condition.attention[7] < 1.0 + 1e-12
    assert market.condition.attention[7] > 0.98


def test_an_email_lifts_the_app_and_a_second_channel_too_soon_clashes() -> None:
    market, who = market_after(1), np.array([7])
    before = market.truth(who, np.array([13.0])).noticed[0, 0]
    one_contact(market, 7, EMAIL)
    market.condition.attention[7] = 1.0
    soon = market.truth(who, np.array([13.0])).noticed[0, 0]
    assert soon[1] < before[1]
    market.morning()
    market.morning()
    market.condition.attention[7] = 1.0
    market.day -= 2  # the same hour of the same day, but long enough after the e-mail
    market.condition.contacted[7, EMAIL] -= 48.0
    later = market.truth(who, np.array([13.0])).noticed[0, 0]
    assert later[APP] > before[APP]
    assert later[1] == pytest.approx(before[1])


def test_nobody_is_contacted_above_the_weekly_cap() -> None:
    market = market_after(1)
    for _ in range(SMALL.cap_per_week):
        one_contact(market, 7, EMAIL)
        market.morning()
    assert not market.truth(np.array([7]), np.array([12.0])).allowed.any()
    for _ in range(7):
        market.morning()
    assert market.truth(np.array([7]), np.array([12.0])).allowed.any()


def test_who_has_opted_out_is_not_reached_on_that_channel() -> None:
    market = market_after(1)
    market.condition.opted_out[7, EMAIL] = True
    allowed = market.truth(np.array([7]), np.array([12.0])).allowed
    assert not allowed[..., EMAIL].any()
    assert allowed.any()
    with pytest.raises(ValueError, match="not allowed"):
        market.act(Contacts(np.array([7]), np.array([12.0]), np.array([0]), np.array([EMAIL]), np.ones(1)))


def test_contacts_wear_some_customers_out_for_good() -> None:
    market = Market.of(replace(SMALL, optout_weary=1.0, cap_per_week=7, customers=200), 1)
    for _ in range(20):
        market.morning()
        market.act(randomised(market, market.present(), np.full(len(market.present()), 12.0), silence=0.0))
    assert market.condition.opted_out.any()
    unsubscribed = (market.diary.all_events()["kind"] == "unsubscribed").sum()
    assert unsubscribed == market.condition.opted_out.sum()


def test_stages_jump_back_and_intents_run_side_by_side() -> None:
    market, seen = Market.of(SMALL, 1), []
    for _ in range(20):
        market.morning()
        seen.append(market.condition.stage.copy())
    stages = np.array(seen)
    assert (np.diff(stages, axis=0) < 0).any()
    assert ((stages > 0).sum(axis=2) >= 2).any()


def test_who_has_already_been_won_gains_nothing_from_another_contact() -> None:
    market = market_after(1)
    category = market.offers.category[0]
    market.condition.pending[7, category] = 24.0 * market.day + 60.0
    truth = market.truth(np.array([7]), np.array([12.0]))
    about_it = market.offers.category == category
    assert (truth.organic[0, about_it] == 1.0).all()
    assert (truth.value[0, about_it] < 0).all()


def test_new_offers_and_new_customers_come() -> None:
    parameters = replace(SMALL, days=40)
    market = market_after(1, parameters)
    offers = np.unique(np.nonzero(market.truth(market.present(), np.full(len(market.present()), 12.0)).allowed)[1])
    here = len(market.present())
    for _ in range(38):
        market.morning()
    later = np.unique(np.nonzero(market.truth(market.present(), np.full(len(market.present()), 12.0)).allowed)[1])
    assert len(later) > len(offers)
    assert len(market.present()) > here


def test_every_purpose_and_day_has_its_own_stream() -> None:
    first = {name: stream(1, *name).random() for name in [("a", 1), ("a", 2), ("b", 1)]}
    assert len(set(first.values())) == 3
