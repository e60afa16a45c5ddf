"""Writes where the system lets no thread begin: whoever is there writes them, and nobody waits for ever."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event, Thread

import pytest

from serving.journal import Journal
from serving.journal.transaction import Transaction
from serving.later import Later
from tests.serving.journal.test_group import position

Threads = Callable[[bool], None]
LONG_S = 20


@pytest.fixture
def threads(monkeypatch: pytest.MonkeyPatch) -> Threads:
    """Says whether the journal may begin a thread."""
    start, allowed = Thread.start, [False]

    def begin(self: Thread) -> None:
        if self.name == "journal" and not allowed[0]:
            raise RuntimeError("can't start new thread")
        start(self)

    def change(allow: bool) -> None:
        allowed[0] = allow

    monkeypatch.setattr(Thread, "start", begin)
    return change


def test_what_is_written_without_a_thread_is_written_and_so_is_what_comes_with_one(
    open_journal: Callable[[], Journal], threads: Threads
) -> None:
    journal = open_journal()
    soon = journal.write_soon(position)
    assert soon.result(LONG_S) == journal.position()
    threads(True)
    assert journal.write_soon(position).result(LONG_S) == soon.result() + 1


def test_what_is_written_together_while_more_is_coming_is_durable_and_keeps_no_other_process_out(
    open_journal: Callable[[], Journal], threads: Threads
) -> None:
    journal, other = open_journal(), open_journal()
    journal.expect(lambda _: True)
    with journal.together():
        soon = [journal.write_soon(position) for _ in range(3)]
    found = [each.result(LONG_S) for each in soon]
    threads(True)
    assert other.write_soon(position).result(LONG_S) == found[-1] + 1


def test_what_comes_while_another_thread_writes_is_written_by_that_one(
    open_journal: Callable[[], Journal], threads: Threads
) -> None:
    journal, begun, go_on = open_journal(), Event(), Event()
    first = list[Later[int]]()

    def slowly(transaction: Transaction) -> int:
        begun.set()
        assert go_on.wait(LONG_S)
        return position(transaction)

    def write() -> None:
        with journal.together():
            first.append(journal.write_soon(slowly))

    writer = Thread(target=write)
    writer.start()
    assert begun.wait(LONG_S)
    with journal.together():
        late = journal.write_soon(position)
    soon = journal.write_soon(position)
    assert not soon.done()
    go_on.set()
    assert [late.result(LONG_S), soon.result(LONG_S)] == [first[0].result() + 1, first[0].result() + 2]
    writer.join(LONG_S)


def test_a_journal_that_is_closed_without_a_thread_has_written_everything(
    open_journal: Callable[[], Journal], threads: Threads
) -> None:
    journal = open_journal()
    with journal.together():
        soon = journal.write_soon(position)
        journal.hurry()
        assert not soon.done()
        journal.close()
        assert soon.result(LONG_S) > 0
    threads(True)
    assert open_journal().position() == soon.result()
