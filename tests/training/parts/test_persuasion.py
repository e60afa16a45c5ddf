from typing import Any

import numpy as np
import pytest

from serving.prediction import sigmoid
from training.parts.blend import Table, fit_blend
from training.parts.experience import Contacts
from training.parts.persuasion import expectation_maximisation, fit_persuasion

N = 12_000


def made(clicks: bool, young: bool) -> tuple[Table, Contacts, np.ndarray, np.ndarray]:
    """Noticed contacts with a known π: what is read, what is seen, the chance of buying by now anyway, π."""
    rng = np.random.default_rng(4)
    X = rng.normal(size=(N, 3)).astype(np.float32)
    group = rng.integers(0, 2, N)
    pi = sigmoid(-3.0 + 1.2 * X[:, 0] + 0.8 * group)
    organic = sigmoid(-2.5 + 0.5 * X[:, 1])  # evenly over the window
    persuaded, alone = rng.random(N) < pi, rng.random(N) < organic
    clicked = (rng.random(N) < np.where(persuaded, 0.7, 0.03)) & clicks
    delay = np.where(persuaded, rng.random(N) ** 2, np.where(alone, rng.random(N), np.nan))
    age = rng.uniform(0.1, 1.0, N) if young else np.ones(N)
    seen: dict[str, Any] = {
        "X": X,
        "decision": np.arange(N),
        "decided_us": np.arange(N),
        "customer": np.arange(N),
        "offer": group,
        "channel": group,
    }
    seen |= {"probability": np.ones(N), "noticed": np.ones(N, bool), "clicked": clicked}
    seen |= {"left": np.zeros(N, bool), "complained": np.zeros(N, bool)}
    contacts = Contacts(**seen, delay=np.where(delay <= age, delay, np.nan), age=age, bought_us=delay)
    return Table(X, (1, 0, 0), group, 2, group.astype(str)), contacts, organic * age, pi


@pytest.mark.parametrize(("clicks", "young"), [(True, False), (False, False), (True, True), (False, True)])
def test_who_was_persuaded_is_told_apart_from_who_would_have_bought_anyway(clicks: bool, young: bool) -> None:
    table, seen, organic, pi = made(clicks, young)
    half, signs, share = expectation_maximisation(table, seen, organic, 200.0)
    found = sigmoid(half.raw_of(table.X, table.group))
    assert found.mean() == pytest.approx(pi.mean(), rel=0.2)
    assert np.corrcoef(found, pi)[0, 1] > 0.9
    assert (share[~np.isfinite(seen.delay) & seen.closed] == 0).all()
    if clicks:
        assert signs.clicked == pytest.approx((0.03, 0.7), abs=0.1)


def test_the_blend_is_as_good_on_customers_not_learnt_from() -> None:
    table, seen, organic, pi = made(clicks=True, young=False)
    learnt = np.arange(N) < N // 2
    fitted = fit_persuasion(table.where(learnt), seen.where(learnt), organic[learnt], seed=1, threads=1)
    found = fitted.probability(table.where(~learnt))
    assert np.corrcoef(found, pi[~learnt])[0, 1] > 0.85


def test_a_probability_is_calibrated_and_rises_where_it_must() -> None:
    table, _, _, pi = made(clicks=False, young=False)
    y = (np.random.default_rng(5).random(N) < pi).astype(np.float64)
    learnt = np.arange(N) < N // 2
    blend = fit_blend(table.where(learnt), y[learnt], np.arange(N)[learnt], seed=1, threads=1)
    found = blend.probability(table.where(~learnt))
    assert found.mean() == pytest.approx(y[~learnt].mean(), rel=0.15)
    higher = table.where(~learnt)
    raised = Table(higher.X + np.array([[1.0, 0, 0]], dtype=np.float32), higher.rising, higher.group, 2, higher.key)
    assert (blend.probability(raised) >= found - 1e-12).all()
