"""No grant beyond a cap with four processes at work, and the check itself finds one that is."""

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from features.domain import Instant
from serving.journal import Journal
from serving.settings import read_settings
from tests.grants import violations
from tests.serving.journal.bustle import Process, lay_out, shared_of

ROOT = Path(__file__).resolve().parents[3]
PROCESSES = 4


def size() -> int:
    """Decisions on each database."""
    return 50_000 if read_settings(os.environ).proof_size == "full" else 2_500


def run(uri: str, folder: Path, decisions: int) -> Counter[str]:
    command = [sys.executable, "-m", "tests.serving.journal.bustle", uri, str(folder)]
    started = [
        subprocess.Popen(
            [*command, str(number), str(decisions), str(PROCESSES)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
        )
        for number in range(PROCESSES)
    ]
    did = Counter[str]()
    try:
        for each in started:
            assert each.stdout is not None
            assert each.stdout.readline() == "ready\n"
        for each in started:  # all at once, only now that each is ready
            assert each.stdin is not None
            each.stdin.write("go\n")
            each.stdin.flush()
        for each in started:
            told, _ = each.communicate()
            assert each.returncode == 0
            did.update(json.loads(told))
    finally:
        for each in started:
            each.kill()
    return did


@pytest.mark.slow
@pytest.mark.proof(name="ledger")
def test_no_grant_is_beyond_a_cap_whatever_four_processes_do(
    open_journal: Callable[[], Journal],
    journal_uri: str,
    tmp_path: Path,
    record_property: Callable[[str, object], None],
) -> None:
    open_journal().open()
    lay_out(tmp_path, size())
    did = run(journal_uri, tmp_path, size())
    checked, wrong = violations(journal_uri, shared_of(size()))
    database = journal_uri.split(":", maxsplit=1)[0]
    for name, count in sorted(did.items()):
        record_property(f"{database}: {name}", count)
    record_property(f"{database}: grants checked", checked)
    record_property(f"{database}: violations", len(wrong))
    assert wrong == []
    assert checked > size() / 20
    happened = (
        "in blocks",
        "confirmed",
        "released",
        "contact_expired",
        "ungranted",
        "joined",
        "split",
        "silent",
        "briefed",
    )
    assert [name for name in happened if did[name] == 0] == []


def test_the_check_finds_what_was_granted_beyond_a_cap(
    open_journal: Callable[[], Journal], journal_uri: str, tmp_path: Path
) -> None:
    open_journal().open()
    lay_out(tmp_path, 60)
    process = Process(journal_uri, tmp_path, 0, 60, 1)
    process.work()
    checked, wrong = violations(journal_uri, shared_of(60))
    assert checked > 0
    assert wrong == []
    engine = create_engine(journal_uri.replace("postgresql://", "postgresql+psycopg://"))
    with engine.begin() as connection:
        moved = "UPDATE contacts SET moment_us = :at, standing = 'confirmed', priority = 0"
        connection.execute(text(moved), {"at": Instant(1_730_000_000_000_000)})
        connection.execute(text("DELETE FROM contact_changes"))
        connection.execute(text("UPDATE contacts SET identity_id = (SELECT MIN(identity_id) FROM contacts)"))
        whose = "SELECT customer_id FROM identities WHERE identity_id = contacts.identity_id"
        connection.execute(text(f"UPDATE contacts SET customer_id = ({whose})"))
    engine.dispose()
    caps = {cap for _, cap, _, _ in violations(journal_uri, shared_of(60))[1]}
    assert {"channel_daily", "two_days", "weekly", "offer", "miscounted"} <= caps
