"""Fitting on made-up vectors whose truth is known."""

import numpy as np
import pytest

from features.vector import FEATURES
from serving.columns import PLACES
from serving.part import PartName
from serving.prediction import sigmoid
from training.contest import BASELINES, MODEL, compete, probability
from training.dataset import Dataset
from training.fit import Choice, Resources, TooFewError, fit
from training.folds import FOLDS, by_customer
from training.inputs import columns
from training.quality import difference

RESOURCES = Resources(threads=1, seed=7)
TELLS = PLACES["customer_purchases_30d"]


def rows(n: int = 1_500, seed: int = 1, rate: float = -1.0) -> Dataset:
    rng = np.random.default_rng(seed)
    X = np.full((n, len(FEATURES)), np.nan, dtype=np.float32)
    X[:, TELLS] = rng.exponential(2.0, n)
    X[:, PLACES["content_incentive"]] = rng.integers(0, 5, n)
    X[:, PLACES["channel_contacts_14d"]] = rng.exponential(1.0, n)
    taken = rng.random(n) < sigmoid(rate + 1.2 * np.log1p(X[:, TELLS].astype(np.float64)))
    text = np.array(["o1", "o2"], dtype=object)[rng.integers(0, 2, n)]
    return Dataset(
        X, taken, np.ones(n), np.arange(n).astype(str), rng.integers(0, n // 3, n).astype(str), text, text, text,
        np.arange(n), np.arange(n) + 1,
    )  # fmt: skip


def test_no_customer_is_on_both_sides_and_every_row_is_held_out_once() -> None:
    customers = rows().customers
    outs = by_customer(customers)
    assert len(outs) == FOLDS
    assert (np.sum(outs, axis=0) == 1).all()
    for out in outs:
        assert not set(customers[out]) & set(customers[~out])


@pytest.mark.slow
def test_what_was_learnt_holds_for_rows_that_were_not_seen() -> None:
    found = compete(PartName.OFFER_RESPONSE, "reward", rows(), rows(seed=2), RESOURCES, n_draws=100)
    assert set(found.said) == {MODEL, *BASELINES}
    assert difference(found.quality[MODEL], found.quality["popularity"], "log_loss").high < 0
    said = found.quality[MODEL].metrics
    assert said["mean_predicted"].value == pytest.approx(said["mean_observed"].value, abs=0.05)


def test_the_same_rows_and_seed_give_the_same_part() -> None:
    one, other = (fit(PartName.OFFER_RESPONSE, rows(), RESOURCES)[0] for _ in range(2))
    np.testing.assert_array_equal(probability(one, rows(seed=3)), probability(other, rows(seed=3)))


def test_more_incentive_never_lowers_what_the_trees_say() -> None:
    part, _ = fit(PartName.OFFER_RESPONSE, rows(), RESOURCES, Choice(100, 0.1, 1.0))
    X = np.repeat(rows(50, 4).X, 5, axis=0)
    X[:, PLACES["content_incentive"]] = np.tile(np.arange(5), 50)
    steps = np.diff(part.raw(X).reshape(50, 5), axis=1)
    assert (steps >= -1e-12).all()


def test_what_happens_without_contact_depends_on_no_channel_and_no_incentive() -> None:
    assert "channel_contacts_14d" in columns(PartName.OFFER_RESPONSE, rows().X)
    assert columns(PartName.ORGANIC, rows().X) == ("customer_purchases_30d",)


def test_a_choice_made_before_is_kept() -> None:
    part, choice = fit(PartName.OFFER_RESPONSE, rows(), RESOURCES, Choice(25, 0.01, 0.0))
    assert choice == Choice(25, 0.01, 0.0)
    assert part.booster is None


def test_too_few_outcomes_are_refused_with_their_count() -> None:
    with pytest.raises(TooFewError, match="at least 20 of each outcome"):
        fit(PartName.OFFER_RESPONSE, rows(60), RESOURCES)
