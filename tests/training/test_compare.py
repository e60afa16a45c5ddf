import numpy as np
import pandas as pd
import pytest

from features.catalogue import Catalogue
from features.channels import default_channels
from features.domain import Category, ChannelName, Instant, Offer, OfferId
from training.compare import PER, SHARE, in_words, verdict

OFFER = Offer(OfferId("o"), "reward", Category("c"), "An offer", (ChannelName("email"),), 500, 100)
CATALOGUE = Catalogue("files", "USD", Instant(0), "none", (OFFER,), default_channels("email", "direct_mail"))


def rows(n: int = 2_000) -> pd.DataFrame:
    rng = np.random.default_rng(1)
    truth = rng.beta(1, 6, n)
    return pd.DataFrame(
        {
            "offer_id": "o",
            "channel": "email",
            "customer_id": rng.integers(0, n // 3, n).astype(str),
            "taken": rng.random(n) < truth,
            "weight": 1.0,
            "probability_one": np.full(n, truth.mean()),
            "probability_other": truth,
        }
    )


def test_knowing_customers_is_worth_money_and_the_words_say_so() -> None:
    found = verdict("reward", rows(), CATALOGUE, seed=1)
    assert found.gain.low > 0
    assert found.value[1] == pytest.approx(found.taken[1] * 400 - PER * 0.1)
    assert "new earns more: +" in in_words(found, "old", "new", "USD")


def test_who_cannot_choose_gets_what_everybody_gets() -> None:
    all_rows = rows()
    found = verdict("reward", all_rows, CATALOGUE, seed=1)
    assert found.taken[0] == pytest.approx(all_rows["taken"].mean() * PER)
    assert 0 < SHARE < 1


def test_a_model_beside_itself_makes_no_difference() -> None:
    same = rows().assign(probability_one=lambda r: r["probability_other"])
    found = verdict("reward", same, CATALOGUE, seed=1)
    assert (found.gain.value, found.gain.low, found.gain.high) == (0, 0, 0)
    assert "the same customers" in in_words(found, "old", "new", "USD")


def test_the_order_turned_round_turns_the_difference_round() -> None:
    turned = rows().rename(columns={"probability_one": "probability_other", "probability_other": "probability_one"})
    one, other = (verdict("reward", r, CATALOGUE, seed=1).gain for r in (rows(), turned))
    assert (other.value, other.low) == pytest.approx((-one.value, -one.high))
    assert "new earns less: -" in in_words(verdict("reward", turned, CATALOGUE, seed=1), "old", "new", "USD")
