import os
from dataclasses import dataclass

import numpy as np
import pytest

from serving.settings import read_settings
from training.ope.cascade_dr import cascade_dr
from training.ope.cascade_ips import cascade_ips
from training.ope.cascade_model import cascade_model
from training.ope.item_position import item_position
from training.ope.log import OpeError
from training.ope.normalised_item_position import normalised_item_position
from training.ope.ratios import Ratios
from training.ope.slate_ips import slate_ips
from training.ope.slates import Slates

ITEMS, PLACES, SEGMENTS = 10, 3, 4
EXAMINED = (1.0, 0.6, 0.35)


def plackett(scores: np.ndarray, shown: np.ndarray) -> np.ndarray:
    """Probability of each item at the next place, given those shown, for scores [..., items]."""
    raised = np.exp(scores) * (1.0 - shown)
    return raised / raised.sum(axis=-1, keepdims=True)


def sequences() -> np.ndarray:
    """Every ordered slate, [720, 3]."""
    grid = np.indices((ITEMS,) * PLACES).reshape(PLACES, -1).T
    return grid[(grid[:, 0] != grid[:, 1]) & (grid[:, 0] != grid[:, 2]) & (grid[:, 1] != grid[:, 2])]


@dataclass(frozen=True)
class Shelf:
    """Users who look at places with a fixed chance, or who read from the top and stop when they took something."""

    appeal: np.ndarray
    cascade: bool

    @staticmethod
    def of(seed: int, cascade: bool) -> "Shelf":
        return Shelf(np.random.default_rng(seed).uniform(0.05, 0.5, (SEGMENTS, ITEMS)), cascade)

    def chances(self, segment: np.ndarray, items: np.ndarray) -> np.ndarray:
        """Chance that each place earns 1, [n, 3]."""
        appeal = np.take_along_axis(self.appeal[segment], items, axis=1)
        if not self.cascade:
            return appeal * np.array(EXAMINED)
        still = np.cumprod(np.hstack([np.ones((len(items), 1)), 1.0 - appeal[:, :-1]]), axis=1)
        return appeal * still

    def at_every_place(self, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Probability of every slate [segments, 720] and of every item at every place [segments, 3, items]."""
        all_slates = sequences()
        probability = np.ones((SEGMENTS, len(all_slates)))
        shown = np.zeros((SEGMENTS, len(all_slates), ITEMS))
        for place in range(PLACES):
            item = all_slates[:, place]
            probability *= plackett(scores[:, None, :], shown)[:, np.arange(len(item)), item]
            shown[:, np.arange(len(item)), item] = 1.0
        places = [
            np.stack([probability[:, all_slates[:, place] == item].sum(axis=1) for item in range(ITEMS)], axis=1)
            for place in range(PLACES)
        ]
        return probability, np.stack(places, axis=1)

    def value(self, scores: np.ndarray) -> float:
        probability, _ = self.at_every_place(scores)
        earned = [self.chances(np.full(720, s), sequences()).sum(axis=1) for s in range(SEGMENTS)]
        return float((probability * np.array(earned)).sum(axis=1).mean())

    def draw(self, n: int, logging: np.ndarray, target: np.ndarray, seed: int) -> Slates:
        rng = np.random.default_rng(seed)
        segment, rows = rng.integers(0, SEGMENTS, n), np.arange(n)
        items = np.zeros((n, PLACES), dtype=np.intp)
        logged, under_target = np.zeros((n, PLACES)), np.zeros((n, PLACES, ITEMS))
        shown = np.zeros((n, ITEMS))
        for place in range(PLACES):
            by_log = plackett(logging[segment], shown)
            under_target[:, place] = plackett(target[segment], shown)
            items[:, place] = (rng.random(n)[:, None] < np.cumsum(by_log, axis=1)).argmax(axis=1)
            logged[:, place] = by_log[rows, items[:, place]]
            shown[rows, items[:, place]] = 1.0
        chance = self.chances(segment, items)
        if self.cascade:
            edges = np.cumsum(chance, axis=1)
            u = rng.random(n)[:, None]
            reward = ((u < edges) & (u >= edges - chance)).astype(float)
        else:
            reward = (rng.random((n, PLACES)) < chance).astype(float)
        chosen = np.take_along_axis(under_target, items[:, :, None], axis=2)[:, :, 0]
        places = [
            np.take_along_axis(self.at_every_place(scores)[1][segment], items[:, :, None], axis=2)[:, :, 0]
            for scores in (logging, target)
        ]
        customer = rng.permutation(n)
        followed = cascade_model(customer, np.eye(SEGMENTS)[segment], items, reward, under_target)
        return Slates(customer, reward, logged, chosen, places[0], places[1], followed)


def policies(shelf: Shelf, seed: int, near: float) -> tuple[np.ndarray, np.ndarray]:
    """Scores of the logging policy and of one that knows what appeals."""
    rng = np.random.default_rng(seed)
    logging = rng.normal(0.0, 0.3, (SEGMENTS, ITEMS))
    return logging, logging + near * 6.0 * (shelf.appeal - shelf.appeal.mean())


def estimate(terms) -> tuple[float, float]:
    ratios = Ratios.of(terms)
    return ratios.value, ratios.standard_error


@pytest.mark.parametrize("cascade", [False, True])
@pytest.mark.parametrize("rule", [slate_ips, cascade_ips, cascade_dr])
def test_estimates_of_slates_lie_near_the_truth(rule, cascade: bool) -> None:
    shelf = Shelf.of(1, cascade)
    logging, target = policies(shelf, 2, near=0.6)
    value, error = estimate(rule(shelf.draw(6_000, logging, target, seed=3)))
    assert abs(value - shelf.value(target)) < 4.5 * error


@pytest.mark.parametrize("rule", [item_position, normalised_item_position])
def test_places_are_judged_one_by_one_where_users_look_at_them_one_by_one(rule) -> None:
    shelf = Shelf.of(1, cascade=False)
    logging, target = policies(shelf, 2, near=0.6)
    value, error = estimate(rule(shelf.draw(6_000, logging, target, seed=3)))
    assert abs(value - shelf.value(target)) < 4.5 * error


def test_a_slate_of_one_place_is_a_decision() -> None:
    reward, logged, target = np.array([[1.0], [0.0]]), np.array([[0.5], [0.25]]), np.array([[0.25], [0.5]])
    slates = Slates(np.arange(2), reward, logged, target, logged, target)
    values = [Ratios.of(rule(slates)).value for rule in (slate_ips, cascade_ips, item_position)]
    assert values == pytest.approx([0.25] * 3)


def test_what_an_estimator_lacks_is_said() -> None:
    slates = Slates(np.arange(1), np.ones((1, 2)), np.ones((1, 2)), np.ones((1, 2)))
    with pytest.raises(OpeError, match="reward model"):
        cascade_dr(slates)
    with pytest.raises(OpeError, match="at its place"):
        item_position(slates)


@pytest.mark.slow
@pytest.mark.proof(name="slates")
@pytest.mark.parametrize("cascade", [False, True], ids=["position", "cascade"])
def test_cascade_dr_is_off_by_at_most_six_percent(cascade: bool, record_property) -> None:
    full = read_settings(os.environ).proof_size == "full"
    runs, n = (100, 5_000) if full else (12, 3_000)
    shelf = Shelf.of(1, cascade)
    rules = {"cascade_dr": cascade_dr, "slate_ips": slate_ips, "item_position": normalised_item_position}
    for near in (0.5, 1.0):
        logging, target = policies(shelf, 2, near)
        logs = [shelf.draw(n, logging, target, seed) for seed in range(runs)]
        truth = shelf.value(target)
        rmse = {
            name: float(np.sqrt(np.mean([(estimate(rule(log))[0] / truth - 1.0) ** 2 for log in logs])))
            for name, rule in rules.items()
        }
        users = "cascade" if cascade else "position"
        for name, each in rmse.items():
            record_property(f"rmse_{name}_{users}_near_{near:g}", round(each, 4))
        assert rmse["cascade_dr"] <= 0.06
        assert rmse["cascade_dr"] < rmse["slate_ips"]
