"""A journal that is missing, empty, older or another one is refused until somebody accepts it."""

import shutil
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from features.domain import CustomerId, Instant
from features.packed_state import PackedState, pack_state
from features.state import empty
from features.stored import ACTIVITY, PROFILE
from serving.accept import main
from serving.chronicle import journal_of
from serving.journal import Journal, JournalUnavailableError
from serving.journal.audit import lines_of
from serving.online import online_of
from serving.packed_file import PROJECT, create, open_to_write, table_name
from serving.settings import Settings, read_settings
from serving.store import StoreUnavailableError
from serving.values import SqliteValues
from serving.witness import FileWitness, MemoryWitness, Seen
from tests.redis_server import redis_address, redis_server

__all__ = ["redis_address", "redis_server"]


@pytest.fixture(name="environ", params=["sqlite", "redis"])
def environment(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, str]:
    online = request.getfixturevalue("redis_address") if request.param == "redis" else ""
    return {"KAIROS_DATA_DIR": str(tmp_path), "KAIROS_ONLINE": online}


@pytest.fixture(name="settings")
def these(environ: dict[str, str]) -> Settings:
    return read_settings(environ)


def _file(settings: Settings) -> Path:
    return settings.origin_dir / "journal.db"


def _used(settings: Settings, positions: int) -> None:
    journal = journal_of(settings)
    for _ in range(positions):
        journal.write(lambda transaction: transaction.next_position())
    journal.close()


def test_a_first_start_needs_no_ceremony(settings: Settings) -> None:
    assert journal_of(settings).position() == 0
    _file(settings).unlink()
    assert journal_of(settings).position() == 0


def test_a_missing_journal_is_refused_and_not_made_anew(settings: Settings) -> None:
    _used(settings, 3)
    _file(settings).unlink()
    with pytest.raises(JournalUnavailableError, match=r"journal\.db is missing, though 3 positions.*make accept"):
        journal_of(settings).position()
    assert not _file(settings).exists()


def test_an_empty_journal_in_its_place_is_refused(settings: Settings) -> None:
    _used(settings, 3)
    _file(settings).unlink()
    Journal(settings.journal_uri).position()
    with pytest.raises(JournalUnavailableError, match=r"not the one that was used before.*make accept"):
        journal_of(settings).position()


def test_an_older_copy_is_refused_and_the_newer_one_is_not(settings: Settings) -> None:
    _used(settings, 3)
    copy = shutil.copy(_file(settings), settings.origin_dir / "copy.db")
    _used(settings, 2)
    newer = shutil.copy(_file(settings), settings.origin_dir / "newer.db")
    shutil.copy(copy, _file(settings))
    with pytest.raises(JournalUnavailableError, match=r"ends at position 3, though 5 was used.*older copy"):
        journal_of(settings).position()
    shutil.copy(newer, _file(settings))
    assert journal_of(settings).position() == 5


def test_what_is_accepted_gives_no_position_out_again(settings: Settings, environ: dict[str, str]) -> None:
    _used(settings, 3)
    _file(settings).unlink()
    assert main(environ) == 0
    journal = journal_of(settings)
    assert journal.write(lambda transaction: transaction.next_position()) == 4
    with journal.reading() as connection:
        (line,) = lines_of(connection, "adopted")
    assert line.by.startswith("make accept by ")
    assert (line.detail["ended_at"], line.detail["used"]) == (0, 3)


def test_what_was_used_is_noted_while_the_service_runs(settings: Settings) -> None:
    journal = journal_of(settings)
    journal.write(lambda transaction: transaction.next_position())
    journal.testify()  # the process is killed here
    seen = online_of(settings).witness.seen()
    assert seen is not None
    assert (bool(seen.name), seen.position) == (True, 1)


def test_without_a_note_the_stored_values_tell(tmp_path: Path) -> None:
    settings = read_settings({"KAIROS_DATA_DIR": str(tmp_path)})
    with closing(open_to_write(settings.online_file)) as con:
        create(con, table_name(PROJECT, PROFILE.name))
    value = pack_state(ACTIVITY, PackedState(Instant(1), Instant(1), 7, empty()))
    with closing(SqliteValues(settings.online_file)) as values:
        values.put([(CustomerId("ann"), value)])
    with pytest.raises(JournalUnavailableError, match=r"is missing, though 7 positions"):
        journal_of(settings).position()


def test_who_cannot_be_asked_stops_an_empty_journal_only(tmp_path: Path) -> None:
    class Broken(MemoryWitness):
        def seen(self) -> Seen | None:
            raise StoreUnavailableError("nobody is there")

    uri = f"sqlite:///{tmp_path / 'journal.db'}"
    with pytest.raises(JournalUnavailableError, match=r"cannot be told: nobody is there"):
        Journal(uri, witness=Broken()).position()
    Journal(uri).position()
    assert Journal(uri, witness=Broken()).position() == 0


def test_a_note_that_cannot_be_read_says_so(tmp_path: Path) -> None:
    (tmp_path / "seen.json").write_text("{")
    with pytest.raises(StoreUnavailableError, match=r"seen.json cannot be read"):
        FileWitness(tmp_path / "seen.json").seen()


def test_nothing_is_offered_after_a_restart_without_the_journal(client: Callable[..., TestClient], place: Path) -> None:
    witness, uri = MemoryWitness(), f"sqlite:///{place / 'journal.db'}"
    said = {"purpose": "marketing", "granted": False, "source": "form"}
    with client(journal=Journal(uri, witness=witness)) as first:
        assert first.post("/v1/customers/ann/consents", json=said).status_code == 200
    for left in place.glob("journal.db*"):
        left.unlink()
    second = client(journal=Journal(uri, witness=witness))
    answer = second.post("/v1/decisions", json={"customer_id": "ann"}).json()
    assert (answer["items"], answer["recorded"]) == ([], False)
    assert answer["fallback_reasons"] == ["journal_unavailable"]
    ready = second.get("/health/ready")
    assert ready.status_code == 503
    assert str(place / "journal.db") in ready.text
    assert "make accept" in ready.text
