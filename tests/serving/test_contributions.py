from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from features.catalogue import Catalogue
from features.domain import HOUR, ChannelName, CustomerId, DecisionId, Event, Instant
from features.fold import fold
from features.instant import format_instant
from features.state import empty
from features.vector import FEATURES
from serving.contributions import Added, contributions
from serving.decide import decide
from serving.decision import Ask
from serving.equipment import Equipment
from serving.pairs import pairs_of, stranger
from serving.part import Part, PartName, about_of
from serving.policy.policy import Lever, Policy
from serving.policy.selector import Selector
from serving.prediction import pair_key, sigmoid
from serving.score import Model
from serving.settings import read_settings
from serving.wire import answer
from tests.journeys.town import Town
from training.boosting import fit_trees
from training.regression import fit_linear

Models = Callable[..., Model]


@dataclass(frozen=True)
class Parts:
    """A model of these parts, for every kind."""

    parts: Mapping[PartName, Part]
    version: str = "v1"

    def part(self, name: PartName, kind: str) -> Part | None:
        return self.parts.get(name)


def vectors(seed: int, n: int) -> np.ndarray:
    """What models see: zeros, counts, money and unknowns."""
    rng = np.random.default_rng(seed)
    shape = (n, len(FEATURES))
    X = (rng.gamma(0.5, 20.0, shape) * rng.integers(0, 2, shape)).astype(np.float32)
    X[rng.random(shape) < 0.2] = np.nan
    return X


def fitted(seed: int, rounds: int, blend: float = 0.7) -> Part:
    X, rng = vectors(seed, 3_000), np.random.default_rng(seed)
    names = tuple(feature.name for feature in FEATURES)
    score = np.nan_to_num(X[:, 2] - X[:, 5]) / 10 + np.nan_to_num(X[:, 7] * X[:, 9]) / 300 - 1
    taken = rng.random(len(X)) < sigmoid(score.astype(float))
    trees = fit_trees(X, taken, np.ones(len(X)), names, rounds=rounds, seed=1, threads=1)
    linear = fit_linear(X, taken, np.ones(len(X)), softness=0.1)
    return Part(names, trees, linear, blend, 1.3, -0.4, {pair_key("promo-tea", "app"): 0.6})


@pytest.fixture(scope="module")
def model() -> Model:
    full = read_settings(os.environ).proof_size == "full"
    rounds = 300 if full else 60
    return Parts({name: fitted(seed, rounds) for seed, name in enumerate(PartName)})


@pytest.mark.slow
@pytest.mark.proof(name="contributions")
def test_what_is_listed_adds_up_to_the_score_for_a_thousand_decisions(
    model: Model, shop: Catalogue, record_property: Callable[[str, object], None]
) -> None:
    pairs = pairs_of(shop)
    worst = raw = 0.0
    for decision in range(1_000):
        of = [pairs[(decision + place) % len(pairs)] for place in range(3)]
        for row in contributions(model, "promotion", of, vectors(decision, 3)):
            for part in row:
                worst = max(worst, abs(part.total - part.calibrated))
                start = part.intercept_of_calibration + part.experience
                raw = max(raw, abs((part.total - start) / part.slope - part.raw))
    record_property("decisions", 1_000)
    record_property("worst_log_odds", worst)
    record_property("worst_raw", raw)
    assert max(worst, raw) < 1e-9


def test_the_sum_is_the_log_odds_of_the_very_probability_that_was_decided_with(model: Model, shop: Catalogue) -> None:
    pairs, X = pairs_of(shop), vectors(1, len(pairs_of(shop)))
    for name in PartName:
        part = model.part(name, "promotion")
        assert part is not None
        told = part.probability(X, about_of(name, pairs))
        found = [next(e for e in row if e.part is name) for row in contributions(model, "promotion", pairs, X)]
        np.testing.assert_allclose(sigmoid(np.array([each.total for each in found])), told, rtol=0, atol=1e-12)


def test_experience_with_the_offer_on_the_channel_stands_apart_but_not_for_what_happens_anyway(
    model: Model, shop: Catalogue
) -> None:
    pair = next(p for p in pairs_of(shop) if (p.offer.offer_id, p.channel.name) == ("promo-tea", "app"))
    (row,) = contributions(model, "promotion", [pair], vectors(1, 1))
    assert {each.part: each.experience for each in row} == {
        PartName.CHANNEL_RESPONSE: 0.6,
        PartName.OFFER_RESPONSE: 0.6,
        PartName.ORGANIC: 0.0,
        PartName.PERSUASION: 0.6,
    }


def test_each_half_is_weighted_by_the_blend(shop: Catalogue) -> None:
    pair, X = pairs_of(shop)[:1], vectors(3, 1)
    only_trees = contributions(Parts({PartName.OFFER_RESPONSE: fitted(1, 10, blend=1.0)}), "k", pair, X)[0][0]
    only_linear = contributions(Parts({PartName.OFFER_RESPONSE: fitted(1, 10, blend=0.0)}), "k", pair, X)[0][0]
    both = contributions(Parts({PartName.OFFER_RESPONSE: fitted(1, 10, blend=0.25)}), "k", pair, X)[0][0]
    assert {each.linear for each in only_trees.added} == {0.0}
    assert {each.trees for each in only_linear.added} == {0.0}

    def by_name(added: tuple[Added, ...]) -> dict[str, Added]:
        return {each.feature: each for each in added}

    ones, others = by_name(only_trees.added), by_name(only_linear.added)
    for name, each in by_name(both.added).items():
        if name in ones:
            assert each.trees == pytest.approx(0.25 * ones[name].trees, abs=1e-12)
        if name in others:
            assert each.linear == pytest.approx(0.75 * others[name].linear, abs=1e-12)


def test_the_strongest_comes_first(model: Model, shop: Catalogue) -> None:
    (row,) = contributions(model, "promotion", pairs_of(shop)[:1], vectors(1, 1))
    strengths = [abs(each.together) for each in row[0].added]
    assert strengths == sorted(strengths, reverse=True)


def test_a_model_without_trees_explains_nothing(shop: Catalogue) -> None:
    of = pairs_of(shop)[:2]
    assert contributions(Parts({}), "promotion", of, vectors(1, 2)) == [(), ()]


def test_a_reader_of_an_answer_can_add_up_to_its_probabilities(tmp_path: Path) -> None:
    with Town(tmp_path) as town:
        shop = town.touchpoint("shop", "web")
        shop.sees("visited", ("device", "d"), category="tea")
        shop.allows(("device", "d"), "email_marketing")
        asked = {"identities": [{"namespace": "device", "value": "d"}], "explain": "contributions", "dry_run": True}
        items = [
            item
            for channel in ("web", "email")
            for item in shop.post("/v1/decisions", {**asked, "channels": [channel]})["items"]
        ]
    assert {item["channel"] for item in items} == {"web", "email"}
    for item in items:
        for part in item["contributions"]:
            fixed = ("mean_of_trees", "intercept_of_linear", "intercept_of_calibration", "experience", "moment")
            listed = [part[name] for name in fixed] + [each["trees"] + each["linear"] for each in part["features"]]
            assert sum(listed) == pytest.approx(part["log_odds"], abs=1e-9)
            told = {"channel_response": "noticed", "offer_response": "taken", "organic": "organic"}[part["part"]]
            assert item["probabilities"][told] == pytest.approx(1 / (1 + np.exp(-part["log_odds"])), abs=1e-6)


def test_a_later_moment_stands_as_a_term_of_its_own(
    model: Model, shop: Catalogue, equipment: Callable[..., Equipment], history: list[Event], now: Instant
) -> None:
    lasting = replace(shop, offers=tuple(replace(offer, valid_to=None) for offer in shop.offers))
    at_any_price = Policy(levers=(Lever("speak", Selector(), money_minor=1e6),))
    made_with = replace(equipment(model, lasting), policy=at_any_price)
    moments = set()
    for hours in range(0, 24, 3):
        at = Instant(now + hours * HOUR)
        known = replace(stranger(at), activity=fold(empty(), history))
        ask = Ask(DecisionId("d"), CustomerId("ann"), at, "promotion", frozenset({ChannelName("direct_mail")}), 1)
        (item,) = answer(decide(ask, known, made_with), made_with, "contributions", {}).items
        assert item.contributions is not None
        (channel,) = (part for part in item.contributions if part.part == "channel_response")
        assert item.probabilities.noticed == pytest.approx(1 / (1 + np.exp(-channel.log_odds)), abs=1e-6)
        assert (channel.moment == 0.0) or item.moment != format_instant(at)
        moments.add(channel.moment)
    assert len(moments) > 1
