from __future__ import annotations

import json
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import insert, update

from features.domain import CustomerId, DecisionId, Instant
from serving.journal import Journal, JournalUnavailableError, Record
from serving.journal.schema import DECISIONS

ODD = np.array([[np.nan, -0.0, 1e-45], [np.inf, 3.4e38, 1 / 3]], dtype=np.float32)
RECORD = Record(
    DecisionId("d-1"),
    CustomerId("Zoë 🦉"),
    Instant(1_506_859_200_000_000),
    '{"customer_id": "Zoë 🦉"}',
    '{"items": []}',
    {"model": None, "schema": "s"},
    ("a", "b", "c"),
    (("o-1", "mail"), ("o-2", "app")),
    ODD,
)


def test_what_is_recorded_comes_back_bit_by_bit(journal: Journal) -> None:
    journal.record(RECORD)
    found = journal.decision(RECORD.decision_id)
    assert found is not None
    assert found.matrix.tobytes() == ODD.tobytes()
    assert replace(found, matrix=ODD) == replace(RECORD, matrix=ODD)


def test_a_record_outlives_its_writer(open_journal: Callable[[], Journal]) -> None:
    open_journal().record(RECORD)
    assert open_journal().decision(RECORD.decision_id) is not None


def test_a_decision_of_no_pairs_is_kept_too(journal: Journal) -> None:
    journal.record(replace(RECORD, pairs=(), matrix=np.zeros((0, 3), dtype=np.float32)))
    found = journal.decision(RECORD.decision_id)
    assert found is not None
    assert found.matrix.shape == (0, 3)


def test_a_decision_is_never_overwritten(journal: Journal) -> None:
    journal.record(RECORD)
    with pytest.raises(JournalUnavailableError):
        journal.record(replace(RECORD, answer="{}"))
    found = journal.decision(RECORD.decision_id)
    assert found is not None
    assert found.answer == RECORD.answer


def test_an_unknown_decision_is_none(journal: Journal) -> None:
    assert journal.decision(DecisionId("never")) is None


def test_a_journal_that_is_gone_is_not_begun_anew_while_it_is_open(tmp_path: Path) -> None:
    place = tmp_path / "new"
    journal = Journal(f"sqlite:///{place / 'journal.db'}")
    journal.record(RECORD)
    place.rename(tmp_path / "away")
    with pytest.raises(JournalUnavailableError, match="is gone"):
        journal.record(replace(RECORD, decision_id=DecisionId("d-2")))
    with pytest.raises(JournalUnavailableError, match="is gone"):
        journal.consents(RECORD.customer_id)
    assert not place.exists()
    (tmp_path / "away").rename(place)
    assert journal.decision(RECORD.decision_id) is not None


def test_what_another_process_put_in_the_place_of_a_journal_is_opened(tmp_path: Path) -> None:
    place = tmp_path / "new"
    journal = Journal(f"sqlite:///{place / 'journal.db'}")
    journal.record(RECORD)
    place.rename(tmp_path / "away")
    Journal(f"sqlite:///{place / 'journal.db'}").record(replace(RECORD, decision_id=DecisionId("d-2")))
    assert journal.decision(RECORD.decision_id) is None
    assert journal.decision(DecisionId("d-2")) is not None


def test_a_journal_replaced_by_something_else_is_not_taken_for_the_old_one(tmp_path: Path) -> None:
    journal = Journal(f"sqlite:///{tmp_path / 'new' / 'journal.db'}")
    journal.record(RECORD)
    for file in (tmp_path / "new").iterdir():
        file.unlink()
    (tmp_path / "new" / "journal.db").mkdir()
    with pytest.raises(JournalUnavailableError):
        journal.record(replace(RECORD, decision_id=DecisionId("d-2")))
    (tmp_path / "new" / "journal.db").rmdir()
    with pytest.raises(JournalUnavailableError, match="is gone"):
        journal.record(replace(RECORD, decision_id=DecisionId("d-3")))


def test_many_threads_may_record_at_once(journal: Journal) -> None:
    ids = [DecisionId(f"d-{number}") for number in range(200)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: journal.record(replace(RECORD, decision_id=number)), ids))
    assert all(journal.decision(number) is not None for number in ids)


def test_a_journal_that_cannot_be_opened_says_so(tmp_path: Path) -> None:
    journal = Journal(f"sqlite:///{tmp_path}")
    journal.open()
    with pytest.raises(JournalUnavailableError, match="cannot be used"):
        journal.record(RECORD)


def as_an_older_build_kept_it(record: Record) -> dict[str, object]:
    """A row of before names, matrix and findings were kept in one piece, with the seal of then."""
    plain = np.ascontiguousarray(record.matrix.T, dtype="<f4").tobytes()
    versions, names, pairs = (json.dumps(each) for each in (dict(record.versions), record.names, record.pairs))
    told = (record.decision_id, record.customer_id, str(record.at), record.request, record.answer)
    texts = (*told, f"[{versions}, {names}, {pairs}]", record.basis.decode(), record.findings.decode())
    digest = sha256()
    for part in (*(text.encode() for text in texts), plain, record.state or b""):
        digest.update(len(part).to_bytes(8, "big") + part)
    return {
        "decision_id": record.decision_id,
        "customer_id": record.customer_id,
        "at_us": record.at,
        "request": record.request,
        "answer": record.answer,
        "versions": versions,
        "names": names,
        "pairs": pairs,
        "matrix": zlib.compress(plain, 1),
        "basis": record.basis.decode(),
        "findings": record.findings.decode(),
        "state": record.state,
        "digest": digest.hexdigest(),
    }


def test_what_an_older_build_kept_comes_back_and_is_intact_until_it_is_changed(journal: Journal) -> None:
    made = replace(RECORD, basis=b"{}", findings=b'{"kind": "promotion"}', state=b"\x00\xff")
    journal.write(lambda t: t.connection.execute(insert(DECISIONS), as_an_older_build_kept_it(made)))
    found = journal.decision(made.decision_id)
    assert found is not None
    assert found.matrix.tobytes() == ODD.tobytes()
    assert replace(found, matrix=ODD) == replace(made, matrix=ODD)
    assert found.intact
    journal.write(lambda t: t.connection.execute(update(DECISIONS).values(findings='{"kind": "other"}')))
    changed = journal.decision(made.decision_id)
    assert changed is not None
    assert not changed.intact


@pytest.mark.parametrize("column", [column.name for column in DECISIONS.c if column.name != "decision_id"])
def test_a_change_of_any_column_is_seen(journal: Journal, column: str) -> None:
    journal.record(replace(RECORD, basis=b"{}", findings=b'{"kind": "promotion"}', state=b"\x00\xff"))
    found = journal.decision(RECORD.decision_id)
    assert found is not None
    assert found.intact
    held = found.kept[column]
    other: object = held + 1 if isinstance(held, int) else b" "
    if isinstance(held, str):
        other = f"{held} "
    elif isinstance(held, bytes):
        other = held + b" "
    changed = replace(found, kept={**found.kept, column: other})
    assert not changed.intact
