import numpy as np
import pytest

from training.uplift.chosen import choose, choose_each
from training.uplift.learners import LEARNERS, Arm


def made(n: int, seed: int, *, misleading: bool) -> tuple[Arm, np.ndarray]:
    """Rows with a known effect; misleading where those who buy anyway are those on whom a contact is lost."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 4)).astype(np.float32)
    effect = 0.3 / (1 + np.exp(-2 * X[:, 0]))
    anyway = 0.6 / (1 + np.exp(3 * X[:, 0])) if misleading else np.full(n, 0.02)
    chance = np.where(X[:, 1] > 0, 0.7, 0.4)
    contacted = rng.random(n) < chance
    outcome = (rng.random(n) < anyway + effect * contacted).astype(float)
    return Arm(X, np.arange(n), contacted, outcome, chance), effect


@pytest.mark.parametrize("name", ["T", "X", "DR"])
def test_an_uplift_learner_finds_whom_a_contact_changes(name: str) -> None:
    arm, _ = made(8_000, 1, misleading=True)
    asked, effect = made(4_000, 2, misleading=True)
    found = LEARNERS[name](arm, 3)(asked.X)
    assert np.corrcoef(found, effect)[0, 1] > 0.7
    assert found.mean() == pytest.approx(effect.mean(), abs=0.03)


@pytest.mark.slow
def test_every_offer_chooses_its_learner_by_what_it_adds() -> None:
    misleading, plain = made(8_000, 4, misleading=True)[0], made(8_000, 5, misleading=False)[0]
    found = choose_each({"misleading": misleading, "plain": plain}, seed=6)
    assert found["misleading"].name != "response"
    assert found["misleading"].qini["response"] < 0 < found["misleading"].qini[found["misleading"].name]
    assert found["plain"].qini["response"] > 0


def test_an_offer_that_everybody_got_cannot_be_compared() -> None:
    arm, _ = made(500, 7, misleading=False)
    assert choose(arm.where(arm.contacted), seed=1) is None
