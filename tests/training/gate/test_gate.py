"""Challengers in a made-up market: good ones, and those that must not decide."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from serving.settings import Settings
from tests.conftest import settings_of
from training.gate.candidate import Candidate
from training.gate.checks import CHECKS
from training.gate.finding import Mark
from training.gate.gate import Answer, judge
from training.gate.question import Question
from training.gate.served import Served

ROWS, OFFERS = 6_000, 8


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return settings_of(tmp_path)


def market(seed: int = 1) -> tuple[np.ndarray, pd.DataFrame]:
    """True probabilities, and judged rows that say them; each offer has its own share."""
    rng = np.random.default_rng(seed)
    offer = rng.integers(0, OFFERS, ROWS)
    truth = 1 / (1 + np.exp(2.0 - 0.2 * offer - rng.normal(0, 1.2, ROWS)))
    taken = rng.random(ROWS) < truth
    customers = rng.permutation(ROWS) // 2
    rows = pd.DataFrame(
        {
            "part": "offer_response",
            "kind": "reward",
            "decision_id": [f"d{i}" for i in range(ROWS)],
            "customer_id": [f"c{i}" for i in customers],
            "offer_id": [f"o{i}" for i in offer],
            "channel": np.where(rng.random(ROWS) < 0.5, "email", "app"),
            "taken": taken,
            "weight": 1.0,
            "probability": truth,
            "popularity": pd.Series(taken.astype(float)).groupby(offer).transform("mean"),
        }
    )
    return truth, rows


def candidate(rows: pd.DataFrame | None, served: Served | None = None) -> Candidate:
    return Candidate("new", rows, served, scoring_ms=2.0, size_mb=1.0, constant=False, summary={})


def ask(challenger: Candidate, settings: Settings, champion: Candidate | None = None, drawn: bool = False) -> Answer:
    genders = {f"c{i}": "f" if i % 2 else "m" for i in range(ROWS)}
    return judge(Question(challenger, champion, settings, {"gender": genders}, drawn))


def refused(answer: Answer) -> list[str]:
    return [found.check for found in answer.findings if found.mark is Mark.REFUSED]


def decisions(lift: float, n: int = 8_000, seed: int = 3) -> tuple[Served, Served]:
    """What a model that knows a share of the customers' tastes would serve, and one that knows nothing."""
    rng = np.random.default_rng(seed)
    taste, arm = rng.integers(0, 4, n), rng.integers(0, 4, n)
    reward = 100.0 * (rng.random(n) < 0.1 + 0.2 * (arm == taste))
    knows = np.where(rng.random(n) < lift, taste, rng.integers(0, 4, n))
    guess = rng.integers(0, 4, n)
    mean = np.full(n, reward.mean())

    def served(choice: np.ndarray) -> Served:
        target = 0.005 + 0.98 * (choice == arm)
        constant = (arm == 0).astype(float)
        names = np.array([f"d{i}" for i in range(n)])
        return Served(names, names, reward, reward > 0, np.full(n, 0.25), target, constant, mean, mean, mean)

    return served(knows), served(guess)


def test_a_good_model_passes_every_check_and_without_probabilities_its_value_is_unproven(settings: Settings) -> None:
    answer = ask(candidate(market()[1]), settings)
    assert answer.accepted, answer.text()
    assert not answer.proven
    assert len(answer.findings) == len(CHECKS)
    assert "No probabilities were logged" in answer.value


def test_leaked_labels_are_refused(settings: Settings) -> None:
    rows = market()[1]
    answer = ask(candidate(rows.assign(probability=np.where(rows["taken"], 0.97, 0.03))), settings)
    assert "leak" in refused(answer)


def test_shuffled_labels_are_refused(settings: Settings) -> None:
    truth, rows = market()
    answer = ask(candidate(rows.assign(probability=np.random.default_rng(5).permutation(truth))), settings)
    assert "popularity" in refused(answer)


def test_a_miscalibrated_channel_is_refused_though_the_order_is_right(settings: Settings) -> None:
    rows = market()[1]
    off = rows.assign(probability=np.where(rows["channel"] == "app", rows["probability"] / 3, rows["probability"]))
    assert refused(ask(candidate(off), settings)) == ["calibration"]


def test_a_model_that_ignores_half_of_the_offers_is_refused(settings: Settings) -> None:
    rows = market()[1]
    half = rows["offer_id"].isin([f"o{i}" for i in range(OFFERS // 2)])
    said = rows["probability"].where(~half, 0.001)
    assert "offers" in refused(ask(candidate(rows.assign(probability=said)), settings))


def test_a_slow_or_a_large_model_is_refused(settings: Settings) -> None:
    good = candidate(market()[1])
    assert refused(ask(replace(good, scoring_ms=900.0), settings)) == ["latency"]
    assert refused(ask(replace(good, size_mb=900.0), settings)) == ["size"]


def test_a_model_that_leaves_a_group_out_is_refused(settings: Settings) -> None:
    rows = market()[1]
    women = rows["customer_id"].str[1:].astype(int) % 2 == 1
    said = rows["probability"].where(~women, 0.3 * rows["probability"])
    assert "fairness" in refused(ask(candidate(rows.assign(probability=said)), settings))


def test_a_model_worse_than_the_champion_is_refused_and_one_as_good_is_not(settings: Settings) -> None:
    truth, rows = market()
    noisy = truth * np.exp(np.random.default_rng(2).normal(0, 0.5, ROWS))
    worse = candidate(rows.assign(probability=np.clip(noisy, 0.001, 0.999)))
    assert "champion" in refused(ask(worse, settings, candidate(rows)))
    assert not refused(ask(candidate(rows), settings, worse))
    assert not refused(ask(candidate(rows), settings, candidate(rows)))


def test_a_gain_that_is_noise_is_refused_and_the_champion_stays(settings: Settings) -> None:
    for seed in range(5):  # each is wrong with probability 0.05
        _, one = decisions(0.0, seed=10 + seed)
        other = replace(one, target=np.random.default_rng(seed).permutation(one.target))
        rows = market()[1]
        answer = ask(candidate(rows, one), settings, candidate(rows, other))
        assert refused(answer) == ["value"], answer.text()


def test_a_model_that_truly_earns_more_is_accepted_and_proven(settings: Settings) -> None:
    knows, guesses = decisions(0.6)
    rows = market()[1]
    answer = ask(candidate(rows, knows), settings, candidate(rows, guesses))
    assert answer.accepted, answer.text()
    assert answer.proven
    assert ask(candidate(rows, knows), settings).proven  # without a champion it is set beside the best single action


def test_below_the_limits_there_is_no_verdict_and_the_champion_stays(settings: Settings) -> None:
    knows, guesses = decisions(0.9, n=400)
    rows = market()[1]
    answer = ask(candidate(rows, knows), settings, candidate(rows, guesses))
    assert not answer.accepted
    assert [found.check for found in answer.against] == ["value"]
    assert "No verdict" in answer.value
    assert "the champion stays" in answer.value
    first = ask(candidate(rows, knows), settings)
    assert not first.accepted
    assert "the best constant is served" in first.value


def test_where_nothing_was_drawn_a_first_model_is_judged_by_all_else(settings: Settings) -> None:
    rows = market()[1]
    assert ask(candidate(rows), settings).accepted
    assert not ask(candidate(rows), settings, drawn=True).accepted


def test_a_model_without_champion_that_does_not_beat_the_best_single_action_is_refused(settings: Settings) -> None:
    _, guesses = decisions(0.0)
    assert refused(ask(candidate(market()[1], guesses), settings)) == ["value"]


def test_what_would_be_served_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    one, _ = decisions(0.5, n=100)
    one.write(tmp_path)
    again = Served.read(tmp_path)
    assert again is not None
    assert np.array_equal(again.target, one.target)
    assert again.decision.tolist() == one.decision.tolist()
    assert Served.read(tmp_path / "nowhere") is None


def test_over_the_best_constant_that_is_served_a_challenger_must_be_proven_better(settings: Settings) -> None:
    rows, (better, guess) = market()[1], decisions(0.6)
    served_to_all = replace(candidate(None), constant=True)
    assert ask(candidate(rows, better), settings, served_to_all).accepted
    assert "value" in refused(ask(candidate(rows, guess), settings, served_to_all))
    unknown = ask(candidate(rows), settings, served_to_all, drawn=True)
    assert not unknown.accepted
    assert {found.check: found.mark for found in unknown.findings}["value"] is Mark.NO_VERDICT
