from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from features.codec import SchemaMismatchError
from features.domain import CustomerId, Instant, OfferId
from features.errors import ModelError
from features.state import State
from serving.app import create_app
from serving.feature_reader import KnownProfile
from serving.journal import Journal
from serving.score import Model
from serving.settings import read_settings
from serving.store import SqliteReader, StoreUnavailableError

Clients = Callable[..., TestClient]
ANN = {"customer_id": "ann", "kind": "promotion"}


class BrokenStore:
    """A store that fails at everything."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def activity(self, customer_id: CustomerId, at: Instant) -> State | None:
        raise self.error

    def customer(self, customer_id: CustomerId) -> tuple[bytes | None, KnownProfile | None]:
        raise self.error

    def several(self, customer_ids: Sequence[CustomerId]) -> list[tuple[bytes | None, KnownProfile | None]]:
        raise self.error

    def profile(self, customer_id: CustomerId) -> KnownProfile | None:
        raise self.error

    def zone(self, customer_id: CustomerId) -> str:
        raise self.error

    def evidence(self, at: Instant) -> Mapping[OfferId, State]:
        raise self.error


def _answer(client: TestClient, **more: object) -> dict[str, Any]:
    response = client.post("/v1/decisions", json={**ANN, **more})
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()
    assert found["fallback"]
    assert len(found["warnings"]) >= len(found["fallback_reasons"])
    return found


def test_without_a_champion_offers_are_ranked_by_popularity(client: Clients, place: Path) -> None:
    (place / "champion.json").unlink()
    service = client()
    answer = _answer(service)
    assert answer["fallback_reasons"] == ["model_missing"]
    assert answer["items"]
    assert all(item["incremental_value_minor"] is None for item in answer["items"])
    assert answer["recorded"]
    assert service.get("/health/ready").status_code == 503


def test_a_champion_whose_folder_is_gone_is_missing(client: Clients, place: Path) -> None:
    shutil.rmtree(place / "models")
    assert _answer(client())["fallback_reasons"] == ["model_missing"]


@pytest.mark.parametrize("error", [ModelError("fitted to other features"), RuntimeError("broken in a new way")])
def test_a_champion_that_cannot_be_read_is_said_to_be_unreadable(client: Clients, error: Exception) -> None:
    def load(folder: Path) -> Model:
        raise error

    answer = _answer(client(load=load))
    assert answer["fallback_reasons"] == ["model_unreadable"]
    assert any(str(error) in warning for warning in answer["warnings"])


@pytest.mark.parametrize("text", ["", "{", "[]", '{"version": 3}', '{"version": "../fake-1"}', '{"version": ".."}'])
def test_a_pointer_that_names_no_version_is_never_followed(client: Clients, place: Path, text: str) -> None:
    (place / "champion.json").write_text(text)
    assert _answer(client())["fallback_reasons"] == ["model_unreadable"]


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (StoreUnavailableError("gone"), "store_unavailable"),
        (SchemaMismatchError("older"), "store_schema"),
        (ValueError("torn"), "store_unavailable"),
    ],
)
def test_without_the_store_everybody_is_a_stranger(client: Clients, error: Exception, reason: str) -> None:
    answer = _answer(client(store=BrokenStore(error)))
    assert answer["fallback_reasons"] == [reason]
    assert answer["cold_start"]
    assert answer["items"][0]["incremental_value_minor"] is not None


def test_without_model_and_store_there_is_still_an_answer(client: Clients, place: Path) -> None:
    (place / "champion.json").unlink()
    answer = _answer(client(store=BrokenStore(StoreUnavailableError("gone"))))
    assert answer["fallback_reasons"] == ["model_missing", "store_unavailable"]
    assert answer["items"]


def test_without_a_journal_nothing_is_offered(client: Clients, place: Path) -> None:
    service = client(journal=Journal(f"sqlite:///{place}"))
    answer = _answer(service)
    assert answer["fallback_reasons"] == ["journal_unavailable"]
    assert not answer["recorded"]
    assert not answer["items"]
    assert answer["silence"]["wins"]
    assert service.get("/v1/decisions/x").status_code == 503
    ready = service.get("/health/ready")
    assert ready.status_code == 503
    assert "journal_unavailable" in ready.text


def test_who_withdrew_a_consent_is_offered_nothing_when_the_journal_goes(client: Clients, place: Path) -> None:
    service = client()
    said = {"purpose": "marketing", "granted": False, "source": "form"}
    assert service.post("/v1/customers/ann/consents", json=said).status_code == 200
    (place / "journal.db").rename(place / "away.db")
    answer = _answer(service)
    assert answer["fallback_reasons"] == ["journal_unavailable"]
    assert answer["items"] == []
    assert not answer["recorded"]
    mail = {"campaign": "autumn", "send": "1", "channel": "app"}
    told = service.get("/v1/customers/ann/offers", params=mail)
    assert (told.status_code, told.json()["neutral"], told.json()["recorded"]) == (200, True, False)
    assert not (place / "journal.db").exists()


def test_a_journal_of_an_older_layout_stops_offers_and_not_the_service(client: Clients, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "older.db")) as con:
        con.execute("CREATE TABLE decisions (decision_id TEXT)")
    service = client(journal=Journal(f"sqlite:///{tmp_path / 'older.db'}"))
    answer = _answer(service)
    assert answer["fallback_reasons"] == ["journal_unavailable"]
    assert "knew decisions only" in answer["silence"]["reason"]
    assert not answer["items"]
    assert service.get("/health/live").status_code == 200
    event = {"event_id": "1", "customer_id": "ann", "kind": "visited", "channel": "app"}
    assert service.post("/v1/events", json=event).status_code == 503


def test_without_a_catalogue_there_is_nothing_to_offer(client: Clients, place: Path) -> None:
    (place / "catalogue.json").unlink()
    answer = _answer(client())
    assert answer["fallback_reasons"] == ["catalogue_missing"]
    assert answer["silence"]["reason"] == "There is nothing to offer."


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"offers": 1}'])
def test_a_catalogue_that_cannot_be_read_offers_nothing(client: Clients, place: Path, text: str) -> None:
    (place / "catalogue.json").write_text(text)
    assert _answer(client())["fallback_reasons"] == ["catalogue_unreadable"]


def test_an_empty_folder_is_enough_to_answer_from(tmp_path: Path) -> None:
    settings = read_settings({"KAIROS_DATA_DIR": str(tmp_path / "nothing"), "KAIROS_MODEL_POLL_S": "0.02"})
    with TestClient(create_app(settings), raise_server_exceptions=False) as service:
        assert service.get("/health/live").status_code == 200
        assert service.get("/health/ready").status_code == 503
        assert "catalogue_missing" in _wait_for(service, "catalogue_missing")


def _wait_for(service: TestClient, reason: str) -> list[str]:
    """The reasons of the first answer after loading."""
    for _ in range(500):
        reasons: list[str] = service.post("/v1/decisions", json={"customer_id": "ann"}).json()["fallback_reasons"]
        if reason in reasons:
            break
    return reasons


def test_a_torn_online_store_is_no_reason_to_fail(client: Clients, tmp_path: Path) -> None:
    online = tmp_path / "online.db"
    online.write_bytes(b"SQLite format 3\x00" + b"\xff" * 4_096)
    assert _answer(client(store=SqliteReader(online, 400)))["fallback_reasons"] == ["store_unavailable"]
    online.unlink()
    assert _answer(client(store=SqliteReader(online, 400)))["fallback_reasons"] == ["store_unavailable"]
