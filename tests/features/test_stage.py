from __future__ import annotations

import numpy as np
import pytest

from features.past import Past
from features.schema import BY_CATEGORY
from features.stage import DEFAULT, STAGES, Stage, stages
from training.judge.stages import played, scores, worth_by_stage
from training.world.parameters import Inside


def past(**days: float | list[float]) -> Past:
    """The past of categories in which these things happened last so many days ago."""
    names = [extreme.name for extreme in BY_CATEGORY.extremes]
    n = max((len(np.atleast_1d(each)) for each in days.values()), default=1)
    found = np.full((n, len(names)), np.nan)
    for name, each in days.items():
        found[:, names.index(f"latest_{name}")] = each
    return Past(BY_CATEGORY, np.zeros((n, len(BY_CATEGORY.sums))), found)


def idle(**days: float) -> float:
    return float(DEFAULT.belief(past(**days))[0, 0])


def test_a_belief_is_a_distribution_whatever_is_known() -> None:
    for days in ({}, {"interest": 0.1}, {"baskets": 3.0}, {"purchases": 400.0}, {"interest": 2.0, "purchases": 5.0}):
        belief = DEFAULT.belief(past(**days))
        assert belief.sum(axis=-1) == pytest.approx(1.0)
        assert (belief >= 0).all()
    assert DEFAULT.steady.sum() == pytest.approx(1.0)
    assert DEFAULT.steady @ np.array(DEFAULT.moves) == pytest.approx(DEFAULT.steady, abs=1e-12)


def test_interest_leads_on_and_silence_and_purchases_lead_back() -> None:
    assert idle(interest=0.1) < 0.5 < idle()
    assert idle(interest=0.1) < idle(interest=10.0) < idle(interest=40.0)
    assert idle(interest=3.0, purchases=1.0) > 0.9  # jumped back
    assert idle(interest=1.0, purchases=3.0) < 0.5  # and on again
    assert stages(past(interest=0.2, baskets=0.2))[0] == Stage.DECIDING
    assert stages(past(purchases=0.5))[0] == Stage.IDLE
    assert idle(interest=0.2, baskets=0.2) < idle(interest=0.2)


def test_several_cycles_run_side_by_side() -> None:
    found = stages(past(interest=[0.1, np.nan, 60.0], purchases=[np.nan, 1.0, np.nan]))
    assert found[0] != Stage.IDLE
    assert found.tolist()[1:] == [Stage.IDLE, Stage.IDLE]
    together = DEFAULT.belief(past(interest=[0.1, 60.0]))
    assert together[0] == pytest.approx(DEFAULT.belief(past(interest=0.1))[0])


def test_the_closed_form_is_the_filter_day_by_day() -> None:
    """Bought 9 days ago, looked 4 days ago, nothing since."""
    moves, visits = np.array(DEFAULT.moves), np.array(DEFAULT.visits)
    belief = np.array([1.0, 0.0, 0.0])
    for _ in range(5):
        belief = belief @ moves
    belief = belief * visits
    for _ in range(4):
        belief = belief @ (moves * (1.0 - visits))
    assert DEFAULT.belief(past(interest=4.0, purchases=9.0))[0] == pytest.approx(belief / belief.sum())


@pytest.mark.slow
def test_the_inferred_stage_beats_the_stage_that_most_are_in_and_the_latest_event() -> None:
    looks = played(Inside.CROOKED, 1, 2_000, (40, 70))
    found = scores(looks, draws=100)
    inferred, most, latest = found.values()
    assert inferred.accuracy.low > most.accuracy.value
    assert inferred.accuracy.low > latest.accuracy.high
    assert inferred.recall.low > most.recall.high
    assert set(worth_by_stage(looks)) == set(map(str, STAGES))
