import json
from pathlib import Path

import pytest

from features.clock import SimulatedClock
from features.domain import HOUR, Instant
from features.errors import ModelError
from serving.part import Part, PartName
from serving.settings import Settings
from tests.conftest import BEGIN, settings_of
from training import promote as promotion
from training.bundle import write_bundle
from training.promote import RefusedError

PAIR = (PartName.OFFER_RESPONSE, "reward")
EMPTY = Part((), None, None, 0.0)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return settings_of(tmp_path)


def promote(settings: Settings, by: str, version: str | None = None, reason: str = "", at: Instant = BEGIN) -> str:
    return promotion.promote(settings, SimulatedClock(at), by, version, reason, move_alias=lambda *_: None)


def rollback(settings: Settings, by: str) -> str:
    return promotion.rollback(settings, SimulatedClock(BEGIN), by, move_alias=lambda *_: None)


def a_model(settings: Settings, version: str, hour: int, against: dict[str, list[float]] | None = None) -> str:
    judged = {"log_loss": [-0.1, -0.2, -0.05], "auc": [0.2, 0.1, 0.3]} | (against or {})
    about = {"version": version, "source": "files", "created_at": f"2024-01-01T{hour:02d}:00:00Z"}
    summary = {"reward.offer_response": {"against": {"popularity": judged}}}
    write_bundle(settings.models_dir / version, {PAIR: EMPTY}, about | {"summary": summary, "mlflow_run_id": "r"})
    return version


def champion(settings: Settings) -> str:
    return str(json.loads((settings.source_dir / "champion.json").read_text())["version"])


def history(settings: Settings) -> list[str]:
    return (settings.source_dir / "promotions.ndjson").read_text().splitlines()


def test_the_newest_model_becomes_champion_and_going_back_brings_the_one_before(settings: Settings) -> None:
    a_model(settings, "zz-first", 1)
    assert "zz-first is now the champion" in promote(settings, "ada")
    a_model(settings, "b", 2)
    promote(settings, "ada", reason="better", at=Instant(BEGIN + HOUR))
    a_model(settings, "c", 3)
    promote(settings, "ben")
    kept = history(settings)
    assert champion(settings) == "c"
    assert "b is champion of files again" in rollback(settings, "cyd")
    assert "zz-first" in rollback(settings, "cyd")
    assert champion(settings) == "zz-first"
    with pytest.raises(ModelError, match="no champion before"):
        rollback(settings, "cyd")
    assert history(settings)[:3] == kept
    told = [json.loads(line) for line in history(settings)]
    assert [(t["action"], t["from"], t["to"], t["by"]) for t in told] == [
        ("promote", None, "zz-first", "ada"),
        ("promote", "zz-first", "b", "ada"),
        ("promote", "b", "c", "ben"),
        ("rollback", "c", "b", "cyd"),
        ("rollback", "b", "zz-first", "cyd"),
    ]
    assert told[1] | {"reason": "better", "at": "2024-01-01T01:00:00Z", "run_id": "r"} == told[1]


def test_promoting_the_champion_again_changes_nothing(settings: Settings) -> None:
    a_model(settings, "a", 1)
    promote(settings, "ada")
    assert "already" in promote(settings, "ada")
    assert len(history(settings)) == 1


@pytest.mark.parametrize("against", [{"log_loss": [0.2, 0.1, 0.3]}, {"auc": [-0.2, -0.3, -0.1]}])
def test_a_model_worse_than_popularity_is_refused(settings: Settings, against: dict[str, list[float]]) -> None:
    a_model(settings, "a", 1, against)
    with pytest.raises(RefusedError, match=r"reward\.offer_response was judged worse than popularity"):
        promote(settings, "ada")
    assert not (settings.source_dir / "champion.json").exists()


def test_a_model_that_may_be_as_good_as_popularity_is_not_refused(settings: Settings) -> None:
    a_model(settings, "a", 1, {"log_loss": [0.01, -0.1, 0.2], "auc": [-0.01, -0.2, 0.1]})
    promote(settings, "ada")


def test_a_model_of_other_features_is_refused_and_the_champion_stays(settings: Settings) -> None:
    a_model(settings, "a", 1)
    promote(settings, "ada")
    a_model(settings, "b", 2)
    document = settings.models_dir / "b" / "bundle.json"
    document.write_text(json.dumps(json.loads(document.read_text()) | {"fingerprint": "other"}))
    with pytest.raises(ModelError, match="train again"):
        promote(settings, "ada")
    assert champion(settings) == "a"
    assert len(history(settings)) == 1


def test_a_model_that_is_not_there_is_named_with_those_that_are(settings: Settings) -> None:
    with pytest.raises(ModelError, match="make train"):
        promote(settings, "ada")
    a_model(settings, "a", 1)
    for wrong in ("b", "../models/a"):
        with pytest.raises(ModelError, match="the models are: a"):
            promote(settings, "ada", wrong)


def test_the_pointer_is_replaced_as_a_whole(settings: Settings) -> None:
    a_model(settings, "a", 1)
    promote(settings, "ada")
    open_before = (settings.source_dir / "champion.json").open()
    a_model(settings, "b", 2)
    promote(settings, "ada")
    assert json.load(open_before)["version"] == "a"  # a reader sees the old file or the new one, never half of one
    open_before.close()
    assert not list(settings.source_dir.glob(".champion*"))
