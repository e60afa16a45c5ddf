import os
from collections.abc import Callable

import numpy as np
import pytest

from serving.settings import read_settings
from training.judge.patience import KINDS, judge_patience
from training.parts.attention import GRID, Wear, learn_wear, price

Record = Callable[[str, object], None]


@pytest.mark.proof(name="attention")
@pytest.mark.parametrize("kind", list(KINDS))
def test_learnt_prices_come_close_to_the_exact_programme(kind: str, record_property: Record) -> None:
    seeds = range(5, 15) if read_settings(os.environ).proof_size == "full" else range(5, 6)
    found = [judge_patience(KINDS[kind], customers=900, seed=seed) for seed in seeds]
    learnt, myopic = ([getattr(each, name) for each in found] for name in ("learnt", "myopic"))
    record_property(f"{kind}: share of the exact programme", f"{np.mean(learnt):.3f}, least {min(learnt):.3f}")
    record_property(f"{kind}: speaking whenever it pays now", f"{np.mean(myopic):.3f}")
    assert min(learnt) >= 0.9
    assert min(learnt) > max(myopic)


def test_a_contact_that_wears_nothing_out_costs_nothing() -> None:
    tireless = Wear(np.ones(len(GRID)), np.zeros(len(GRID)))
    found = price(tireless, np.array([1.0, 10.0]), 0.5, 0.99)
    assert found.contact == pytest.approx(0.0, abs=1e-3)
    assert found.slope == pytest.approx(0.0, abs=1e-3)


def test_who_leaves_more_readily_is_dearer() -> None:
    prices = [
        price(Wear(np.ones(len(GRID)), np.full(len(GRID), leaves)), np.array([1.0, 10.0]), 0.5, 0.99).contact
        for leaves in (0.0, 0.01, 0.05)
    ]
    assert prices[0] < prices[1] < prices[2]


def test_wear_is_learnt_from_what_contacts_earned() -> None:
    rng = np.random.default_rng(2)
    recent, value = rng.uniform(0, 5, 40_000), rng.uniform(1, 9, 40_000)
    earned = value * (rng.random(40_000) < np.exp(-0.3 * recent))
    found = learn_wear(recent, value, earned, rng.random(40_000) < 0.01 * recent)
    at = np.array([0.5, 2.0, 4.0])
    assert found.share(at) == pytest.approx(np.exp(-0.3 * at), rel=0.05)
    assert np.interp(at, GRID, found.leaves) == pytest.approx(0.01 * at, abs=0.004)
