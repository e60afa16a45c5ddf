"""Writes that share a transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from threading import Event, Thread

import pytest

from serving.journal import Journal, JournalUnavailableError
from serving.journal.backlog import MOST
from serving.journal.engine import held_up
from serving.journal.transaction import Transaction
from serving.later import Later


def position(transaction: Transaction) -> int:
    return transaction.next_position()


def failing(transaction: Transaction) -> int:
    transaction.next_position()
    raise ValueError("refused")


def test_what_a_thread_writes_together_is_there_for_all_at_its_end(open_journal: Callable[[], Journal]) -> None:
    journal, other = open_journal(), open_journal()
    before = other.position()
    with journal.together():
        soon = [journal.write_soon(position) for _ in range(5)]
        assert other.position() == before
        assert not any(each.done() for each in soon)
    assert [each.result(60) for each in soon] == list(range(before + 1, before + 6))
    assert other.position() == before + 5


def test_what_is_raised_by_one_of_those_written_together_undoes_that_one_alone(journal: Journal) -> None:
    with journal.together():
        first, bad, last = (journal.write_soon(write) for write in (position, failing, position))
    with pytest.raises(ValueError, match="refused"):
        bad.result(60)
    assert journal.position() == last.result(60) > first.result(60)


def test_who_waits_for_a_write_among_those_made_together_has_it(journal: Journal) -> None:
    with journal.together():
        soon = journal.write_soon(position)
        assert journal.write(position) == soon.result(60) + 1


def test_what_is_written_by_whoever_is_told_of_a_write_made_together_is_written_soon(journal: Journal) -> None:
    after, told = list[Later[int]](), Event()

    def tell(_: Later[int]) -> None:
        after.append(journal.write_soon(position))
        told.set()

    with journal.together():
        soon = journal.write_soon(position)
        soon.add_done_callback(tell)
    assert told.wait(60)
    assert after[0].result(10) == soon.result() + 1


def test_however_many_are_written_together_all_are_written(journal: Journal) -> None:
    with journal.together():
        soon = [journal.write_soon(position) for _ in range(2 * MOST + 1)]
    first = soon[0].result(60)
    assert [each.result(60) for each in soon] == list(range(first, first + 2 * MOST + 1))


def test_others_are_not_kept_waiting_by_whoever_writes_together(journal: Journal) -> None:
    told = list[int]()
    with journal.together():
        soon = journal.write_soon(position)
        other = Thread(target=lambda: told.append(journal.write(position)))
        other.start()
        other.join(60)
        assert told == [soon.result(60) + 1]


def test_what_was_written_together_by_somebody_who_is_held_up_is_written_when_hurried(journal: Journal) -> None:
    written, go_on = list[Later[int]](), Event()

    def held_up() -> None:
        with journal.together():
            written.append(journal.write_soon(position))
            begun.set()
            go_on.wait(600)

    begun = Event()
    thread = Thread(target=held_up)
    thread.start()
    assert begun.wait(60)
    assert not written[0].done()
    journal.hurry()
    assert written[0].result(60) == journal.position()
    go_on.set()
    thread.join(60)


def test_more_that_comes_while_the_disk_is_waited_for_is_written_with_what_comes_then(journal: Journal) -> None:
    journal.expect(lambda _: True)
    soon = list[Later[int]]()
    for _ in range(20):
        with journal.together():
            soon += [journal.write_soon(position) for _ in range(3)]
    journal.expect(lambda _: False)
    journal.hurry()
    found = [each.result(60) for each in soon]
    assert found == list(range(found[0], found[0] + 60))


def test_who_writes_together_does_not_wait_for_another_process_that_writes(tmp_path: Path) -> None:
    journal, told = Journal(f"sqlite:///{tmp_path / 'journal.db'}"), Event()
    before = journal.position()
    other = sqlite3.connect(tmp_path / "journal.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with journal.together():
        soon = [journal.write_soon(position) for _ in range(3)]
        soon[-1].add_done_callback(lambda _: told.set())
    assert not told.wait(0.2)
    other.execute("ROLLBACK")
    assert [each.result(60) for each in soon] == [before + 1, before + 2, before + 3]
    other.close()
    journal.close()


def test_what_cannot_be_written_where_the_journal_was_moved_away_is_said_and_not_lost_silently(tmp_path: Path) -> None:
    journal = Journal(f"sqlite:///{tmp_path / 'journal.db'}")
    journal.open()
    with journal.together():
        soon = journal.write_soon(position)
        (tmp_path / "journal.db").rename(tmp_path / "elsewhere.db")
    with pytest.raises(JournalUnavailableError, match="moved away"):
        soon.result(60)
    journal.close()


def test_a_journal_that_is_closed_has_written_everything(open_journal: Callable[[], Journal]) -> None:
    journal = open_journal()
    with journal.together():
        soon = [journal.write_soon(position) for _ in range(3)]
        Thread(target=journal.close).start()
        assert soon[-1].result(60) > 0
    assert open_journal().position() == soon[-1].result(60)


@pytest.mark.parametrize(
    ("code", "waits"),
    [
        (sqlite3.SQLITE_BUSY, True),
        (sqlite3.SQLITE_BUSY_RECOVERY, True),
        (sqlite3.SQLITE_BUSY_SNAPSHOT, True),
        (sqlite3.SQLITE_READONLY, False),
        (sqlite3.SQLITE_FULL, False),
    ],
)
def test_another_process_at_work_is_waited_for_whatever_it_does_and_nothing_else_is(code: int, waits: bool) -> None:
    error = sqlite3.OperationalError("told by SQLite")
    error.sqlite_errorcode = code
    assert held_up(error) is waits
