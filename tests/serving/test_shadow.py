from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from subprocess import Popen

import numpy as np
import pytest
from fastapi.testclient import TestClient

from features.vector import vector_fingerprint
from serving.app import serve
from serving.contest import compared
from serving.journal import Journal
from serving.part import Part, PartName
from serving.parts import Parts
from serving.registry import read_bundle
from serving.score import Model
from serving.settings import Settings, read_settings
from serving.shadow import Shadow, challenger_of, follow, shadow_of
from serving.vault import Vault
from tests.journeys.town import KIND, PARTS, Town, _part
from training.shadow import measured, name, shadowed, text

DECISIONS = 10
OTHER = {
    PartName.OFFER_RESPONSE: _part({"category_interest_14d": -1.5}, -1.0),
    PartName.ORGANIC: PARTS[PartName.ORGANIC],
}


def train(folder: Path, version: str, parts: dict[PartName, Part]) -> None:
    bundle = folder / "models" / version
    bundle.mkdir(parents=True)
    for part_name, part in parts.items():
        part.write(bundle, f"{part_name}.{KIND}")
    told = [{"part": part_name, "kind": KIND, "file": f"{part_name}.{KIND}"} for part_name in parts]
    about = {"version": version, "source": "town", "fingerprint": vector_fingerprint(), "parts": told}
    (bundle / "bundle.json").write_text(json.dumps(about))


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A town with some decisions and two rivals of its champion: its twin, and one that thinks the opposite."""
    told = {"KAIROS_DATA_DIR": str(tmp_path_factory.mktemp("data")), "KAIROS_SOURCE": "files"}
    settings = read_settings(told)
    settings.source_dir.mkdir(parents=True)
    settings.feast_dir.mkdir(parents=True)
    with Town(settings.source_dir) as town:
        train(settings.source_dir, "twin", PARTS)
        train(settings.source_dir, "other", OTHER)
        store = town.touchpoint("store", "store")
        for number in range(DECISIONS):
            who = ("crm", f"c{number}")
            store.sees("visited", who, category=("cat", "tea", "cake")[number % 3])
            store.decides(who)
    return settings


@pytest.fixture
def journal(settings: Settings) -> Iterator[Journal]:
    journal = Journal(settings.journal_uri)
    yield journal
    journal.close()


def gauges(shadow: Shadow) -> dict[str, float]:
    return {
        "/".join((g.metric.removeprefix("kairos_shadow_"), *g.labels[1:])): g.value for g in shadow.contest.gauges()
    }


def test_a_twin_agrees_with_the_champion_in_everything(settings: Settings, journal: Journal) -> None:
    shadow = shadow_of(settings, journal, "twin")
    assert shadow.look() == DECISIONS
    found = gauges(shadow)
    assert (found["decisions"], found["failed"], found["dropped"]) == (DECISIONS, 0, 0)
    assert found["agreement"] == 1
    assert found["value_minor/champion"] == found["value_minor/challenger"] == pytest.approx(0, abs=1e-9)
    assert found["drift"] == pytest.approx(0, abs=1e-12)
    assert shadow.look() == 0


def test_another_model_chooses_otherwise_and_either_thinks_better_of_itself(
    settings: Settings, journal: Journal
) -> None:
    shadow = shadow_of(settings, journal, "other")
    shadow.look()
    found = gauges(shadow)
    assert found["agreement"] < 0.5
    assert found["value_minor/champion"] < 0 < found["value_minor/challenger"]
    assert found["drift"] > 0.25


def test_who_is_late_leaves_out_the_older_ones_and_says_so(settings: Settings, journal: Journal) -> None:
    shadow = shadow_of(settings, journal, "twin")
    assert shadow.look(most=3) == 3
    assert (gauges(shadow)["decisions"], gauges(shadow)["dropped"]) == (3, DECISIONS - 3)


def test_a_challenger_that_fails_is_counted_and_the_shadow_goes_on(settings: Settings, journal: Journal) -> None:
    class Broken:
        version = "broken"

        def part(self, part_name: PartName, kind: str) -> None:
            raise RuntimeError("broken")

    model: Model = Broken()
    shadow = Shadow(journal, Vault(journal, settings.models_dir, read_bundle), model)
    assert shadow.look() == DECISIONS
    assert (gauges(shadow)["failed"], gauges(shadow)["decisions"]) == (DECISIONS, 0)


def test_a_challenger_is_named_looked_at_and_ended(settings: Settings) -> None:
    assert challenger_of(settings) is None
    follow(settings)  # ends by itself where nobody is named
    assert name(settings, "other") == "other"
    assert challenger_of(settings) == "other"
    assert challenger_of(replace(settings, challenger="twin")) == "twin"
    told = text(measured(settings, "other"))
    assert "agreement" in told
    report = json.loads(settings.shadow_file.read_text())
    assert report["challenger"] == "other"
    assert shadowed(settings, "other")["shadow.decisions"] == DECISIONS
    assert shadowed(settings, "twin") == {}
    assert name(settings, "none") is None
    assert challenger_of(settings) is None
    assert not settings.shadow_file.exists()


def test_the_shadow_s_end_or_refusal_to_begin_touches_no_answer(parts: Callable[..., Parts], tmp_path: Path) -> None:
    begun = []

    def fail() -> Popen[bytes]:
        begun.append(True)
        raise OSError("no more processes")

    report = tmp_path / "shadow.json"
    made = replace(parts(), shadowed=lambda: True, shadow=fail, shadow_report=report)
    with TestClient(serve(made)) as client:
        for _ in range(3):
            answer = client.post("/v1/decisions", json={"customer_id": "ann", "kind": "promotion"})
            assert answer.status_code == 200
            assert not answer.json()["fallback"]
        gauge = {"metric": "kairos_shadow_agreement", "labels": ["other"], "value": 0.5}
        report.write_text(json.dumps({"gauges": [gauge]}))
        assert 'kairos_shadow_agreement{challenger="other"} 0.5' in client.get("/metrics").text
    assert begun


def test_the_shadow_is_a_process_that_ends_with_the_service(parts: Callable[..., Parts]) -> None:
    children: list[Popen[bytes]] = []

    def launch() -> Popen[bytes]:
        children.append(Popen(["sleep", "60"]))
        return children[-1]

    with TestClient(serve(replace(parts(), shadowed=lambda: True, shadow=launch))) as client:
        while not children:
            assert client.get("/health/live").status_code == 200
        assert children[0].poll() is None
    assert children[0].poll() is not None


def test_silence_is_a_choice_like_any_other() -> None:
    silent, loud = np.array([-1.0, -np.inf]), np.array([2.0, 1.0])
    found = compared(silent, loud)
    assert (found.alike, found.by_champion, found.by_challenger) == (False, -1.0, 2.0)
    assert compared(silent, silent).alike
    assert compared(np.empty(0), np.empty(0)).alike
