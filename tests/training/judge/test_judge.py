import json
from pathlib import Path

import numpy as np
import pytest

from serving.settings import read_settings
from training.judge import contenders as who
from training.judge.__main__ import evaluate
from training.judge.contenders import KAIROS, Contender
from training.judge.ground import Ground, Size, prepare
from training.judge.scorecard import TAUGHT
from training.world.oracle import best
from training.world.parameters import MEDIA, Inside

SMALL = Size(customers=150, days=30, contacts=300)


pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Ground:
    settings = read_settings({"KAIROS_DATA_DIR": str(tmp_path_factory.mktemp("judge")), "KAIROS_THREADS": "1"})
    return prepare(settings, Inside.CROOKED, 3, SMALL)


def test_the_judge_gives_the_oracle_everything_and_silence_nothing(ground: Ground) -> None:
    offer, channel = best(ground.truth.value)
    choice = np.where(offer < 0, -1, offer * len(MEDIA) + channel)
    assert ground.worth(choice) == pytest.approx(ground.oracle)
    assert (ground.worth(np.full(len(ground.occasions), -1)) == 0).all()


def test_nobody_contacts_whom_they_must_not(ground: Ground) -> None:
    eager = Contender("eager", lambda asked: np.full(asked.allowed.shape, 1.0), always=True)
    choice = eager.choose(ground.occasions)
    assert np.isfinite(ground.worth(choice)).all()


def test_learners_are_given_the_day_after_the_log_and_nothing_later(ground: Ground) -> None:
    assert ground.known.contacts.age.min() >= 0
    assert ground.known.contacts.age.max() == 1
    assert len(ground.occasions.X) == ground.occasions.allowed.size


def test_a_library_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch, ground: Ground) -> None:
    monkeypatch.setattr(who, "find_spec", lambda name: None)
    absent = who._optional("LinUCB (MABWiser)", "mabwiser", ground.known, ground.known.contacts)
    assert absent.score is None
    assert "kairos-offers[contenders]" in absent.absent


def test_markets_are_judged_and_reported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    chosen = {"DATA_DIR": str(tmp_path), "WORLD_SEEDS": "1", "WORLD_CONTACTS": "3000", "WORLD_CUSTOMERS": "400"}
    evaluate(read_settings({f"KAIROS_{name}": value for name, value in chosen.items()}))
    printed = capsys.readouterr().out
    report = json.loads((tmp_path / "reports" / "evaluate_world.json").read_text())
    assert {market["inside"] for market in report["markets"]} == set(Inside)
    for market in report["markets"]:
        shares = {name: found[0] for name, found in market["shares"].items()}
        assert shares["silence"] == 0
        assert shares[KAIROS] > shares["random"]
        assert shares[TAUGHT] <= 1
        assert all(name in printed for name in shares)
    assert min(found["learnt"] for found in report["attention"].values()) >= 0.85
