"""What connections to the journal hold."""

import os
import sqlite3
from pathlib import Path

from serving.journal.engine import CACHE_KIB, PAGE, open_engine
from tests.bench.load import resident_mb


def test_connections_that_read_everything_hold_no_more_than_their_share(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'journal.db'}")
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE pages (content BLOB)")
        for _ in range(64):
            connection.exec_driver_sql("INSERT INTO pages SELECT randomblob(1000000)")
    engine.dispose()
    several = [engine.connect() for _ in range(4)]
    before = resident_mb(os.getpid())
    for connection in several:
        connection.exec_driver_sql("SELECT sum(length(hex(content))) FROM pages").fetchall()
    grown = resident_mb(os.getpid()) - before
    for connection in several:
        connection.close()
    engine.dispose()
    assert grown < 1.5 * len(several) * CACHE_KIB / 1_024 + 24


def test_a_new_journal_has_larger_pages_and_an_old_one_keeps_its_own(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "old.db") as old:
        old.execute("CREATE TABLE before (content TEXT)")
    for name, pages in (("new.db", PAGE), ("old.db", 4_096)):
        engine = open_engine(f"sqlite:///{tmp_path / name}")
        with engine.begin() as connection:
            connection.exec_driver_sql("CREATE TABLE now (content TEXT)")
            assert connection.exec_driver_sql("PRAGMA page_size").scalar() == pages
            assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        engine.dispose()
