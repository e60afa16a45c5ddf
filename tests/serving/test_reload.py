from __future__ import annotations

import json
import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import lightgbm
import numpy as np
import pytest
from fastapi.testclient import TestClient

from features.catalogue import Catalogue
from features.vector import FEATURES, vector_fingerprint
from serving.booster import Booster
from serving.part import Part, PartName
from serving.registry import read_bundle

Clients = Callable[..., TestClient]
ANN = {"customer_id": "ann", "kind": "promotion"}


def _version(service: TestClient) -> str | None:
    found: str | None = service.post("/v1/decisions", json=ANN).json()["versions"]["model"]
    return found


def _wait_until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not true():
        assert time.monotonic() < deadline, "not taken up within 10 s"
        time.sleep(0.01)


def test_promoting_and_rolling_back_under_load_loses_no_request(
    client: Clients, promote: Callable[[str], None]
) -> None:
    service = client()
    done, seen, failed = threading.Event(), set[str | None](), list[int]()

    def ask() -> None:
        while not done.is_set():
            answer = service.post("/v1/decisions", json=ANN)
            if answer.status_code != 200 or answer.json()["fallback"]:
                failed.append(answer.status_code)
            seen.add(answer.json()["versions"]["model"])

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    for version in ("fake-2", "fake-1", "fake-3"):
        promote(version)
        _wait_until(lambda version=version: _version(service) == version)  # type: ignore[misc]
    done.set()
    for thread in threads:
        thread.join()
    assert not failed
    assert seen == {"fake-1", "fake-2", "fake-3"}


def test_a_promoted_model_that_cannot_be_loaded_leaves_the_one_before_in_force(
    client: Clients, place: Path, promote: Callable[[str], None]
) -> None:
    service = client()
    (place / "champion.json").write_text(json.dumps({"version": "absent"}))
    _wait_until(lambda: bool(service.post("/v1/decisions", json=ANN).json()["warnings"]))
    answer = service.post("/v1/decisions", json=ANN).json()
    assert (answer["versions"]["model"], answer["fallback"]) == ("fake-1", False)
    assert "Still deciding with model fake-1: absent cannot be used" in answer["warnings"][0]
    promote("fake-2")
    _wait_until(lambda: _version(service) == "fake-2")
    assert not service.post("/v1/decisions", json=ANN).json()["warnings"]


def test_a_model_that_is_removed_is_no_longer_used_and_taken_up_again_when_it_is_back(
    client: Clients, place: Path, promote: Callable[[str], None]
) -> None:
    service = client()
    shutil.rmtree(place / "models")
    _wait_until(lambda: _version(service) is None)
    promote("fake-1")
    _wait_until(lambda: _version(service) == "fake-1")


def test_what_promotion_could_not_prove_stands_in_every_answer(
    client: Clients, place: Path, promote: Callable[[str], None]
) -> None:
    service = client()
    promote("fake-2")
    (place / "champion.json").write_text(json.dumps({"version": "fake-2", "note": "Its value is unproven."}))
    said = "Its value is unproven."
    _wait_until(lambda: said in service.post("/v1/decisions", json=ANN).json()["warnings"])
    assert _version(service) == "fake-2"


def test_a_new_catalogue_is_taken_up_and_a_broken_one_is_not(client: Clients, place: Path, shop: Catalogue) -> None:
    service = client()

    def catalogue() -> str:
        found: str = service.get("/version").json()["catalogue"]
        return found

    before = catalogue()
    (place / "catalogue.json").write_text(replace(shop, fingerprint="shop-2").to_json())
    _wait_until(lambda: catalogue() != before)
    after = catalogue()
    (place / "catalogue.json").write_text("{")
    _wait_until(lambda: bool(service.post("/v1/decisions", json=ANN).json()["warnings"]))
    assert catalogue() == after
    assert service.post("/v1/decisions", json=ANN).json()["items"]


def _bundle(place: Path, version: str, *, text: str | None = None, fingerprint: str | None = None) -> None:
    """A real bundle: trees that have learnt from noise that recent buyers take offers more often."""
    names = ("customer_purchases_30d", "content_margin", "evidence_offer_taken_rate")
    dice = np.random.default_rng(7)
    X = dice.random((400, len(names)))
    y = (dice.random(400) < 0.2 + 0.6 * (X[:, 0] > 0.5)).astype(float)
    data = lightgbm.Dataset(X, y, feature_name=list(names))
    trees = lightgbm.train({"objective": "binary", "num_leaves": 4, "num_threads": 1, "verbose": -1}, data, 5)
    folder = place / "models" / version
    folder.mkdir(parents=True)
    part = Part(names, Booster(trees.model_to_string() if text is None else text), None, 1.0)
    part.write(folder, "offer_response.promotion")
    about = {
        "version": version,
        "source": "shop",
        "fingerprint": fingerprint or vector_fingerprint(),
        "parts": [{"part": PartName.OFFER_RESPONSE, "kind": "promotion", "file": "offer_response.promotion"}],
    }
    (folder / "bundle.json").write_text(json.dumps(about))
    (place / "champion.json").write_text(json.dumps({"version": version}))


def test_real_trees_decide_as_they_score_the_recorded_vector(client: Clients, place: Path) -> None:
    _bundle(place, "1")
    service = client(load=read_bundle)
    answer = service.post("/v1/decisions", json={**ANN, "explain": "funnel"}).json()
    assert (answer["versions"]["model"], answer["fallback"]) == ("1", False)
    part = read_bundle(place / "models" / "1").part(PartName.OFFER_RESPONSE, "promotion")
    assert part is not None
    assert answer["items"]
    vectors = service.get(f"/v1/decisions/{answer['decision_id']}").json()["vectors"]
    for item, vector in zip(answer["items"], vectors, strict=True):
        row = np.array([[vector["features"][f.name] for f in FEATURES]], dtype=np.float32)
        assert part.probability(row, [(item["offer_id"], item["category"], item["channel"])])[0] == pytest.approx(
            item["probabilities"]["taken"], abs=1e-6
        )


def test_a_bundle_of_other_features_or_with_broken_trees_is_refused(client: Clients, place: Path) -> None:
    _bundle(place, "old", fingerprint="0" * 16)
    answer = client(load=read_bundle).post("/v1/decisions", json=ANN).json()
    assert answer["fallback_reasons"] == ["model_unreadable"]
    assert "was fitted to features 0000000000000000" in answer["warnings"][0]
    _bundle(place, "torn", text="tree\nversion=v4\nnonsense")
    assert client(load=read_bundle).post("/v1/decisions", json=ANN).json()["fallback_reasons"] == ["model_unreadable"]
