"""Jobs in their order, and past one that is held up."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from threading import Event, Thread, current_thread

import pytest

from serving.crew import MOST, PATIENCE_S, Crew
from serving.later import Later, after, there


def test_jobs_are_done_in_their_order_by_one_thread() -> None:
    crew, done = Crew("test"), list[tuple[int, str]]()

    def job(number: int) -> Later[int]:
        done.append((number, current_thread().name))
        return there(number)

    asked = [crew.submit(lambda number=number: job(number)) for number in range(50)]  # type: ignore[misc]
    assert [each.result() for each in asked] == list(range(50))
    assert [number for number, _ in done] == list(range(50))
    crew.close()


def test_a_job_that_is_held_up_does_not_hold_up_the_others() -> None:
    crew, hold = Crew("test"), Event()
    stuck = crew.submit(lambda: there(hold.wait(600)))
    time.sleep(2 * PATIENCE_S)
    assert crew.submit(lambda: there(1)).result(600) == 1
    assert not stuck.done()
    hold.set()
    assert stuck.result(600)
    assert crew.submit(lambda: there(2)).result(600) == 2
    crew.close()


def test_who_waits_behind_a_job_that_is_held_up_is_relieved() -> None:
    crew, hold = Crew("test"), Event()
    stuck = crew.submit(lambda: there(hold.wait(600)))
    behind = crew.submit(lambda: there(1))
    time.sleep(2 * PATIENCE_S)
    crew.relieve()
    assert behind.result(600) == 1
    assert not stuck.done()
    hold.set()
    crew.close()


def test_what_a_job_raises_comes_to_whoever_waits_and_the_next_job_is_done() -> None:
    def bad() -> Later[int]:
        raise ValueError("bad")

    crew = Crew("test")
    with pytest.raises(ValueError, match="bad"):
        crew.submit(bad).result(600)
    with pytest.raises(ZeroDivisionError):
        crew.submit(lambda: after(there(0), lambda found: 1 // found.result())).result(600)
    assert crew.submit(lambda: there(1)).result(600) == 1
    crew.close()


def test_a_crew_tells_whether_more_is_on_its_way() -> None:
    crew, begun, go_on = Crew("test"), Event(), Event()

    def job() -> Later[None]:
        begun.set()
        go_on.wait(10)
        return there(None)

    before = time.monotonic()
    assert not crew.at_it(before)
    first = crew.submit(job)
    assert begun.wait(10)
    assert crew.at_it(before)
    later = time.monotonic()
    assert not crew.at_it(later)
    second = crew.submit(job)
    assert crew.at_it(later)
    go_on.set()
    assert (first.result(10), second.result(10)) == (None, None)


class Groups:
    """How many jobs were done within each ``together``."""

    def __init__(self) -> None:
        self.sizes = list[int]()

    @contextmanager
    def together(self) -> Iterator[None]:
        self.sizes.append(0)
        yield

    def job(self) -> Later[int]:
        self.sizes[-1] += 1
        return there(1)


def test_what_waits_is_done_together() -> None:
    groups = Groups()
    crew, begun, go_on = Crew("test", groups.together), Event(), Event()
    first = crew.submit(lambda: there(begun.set() or go_on.wait(600)))
    assert begun.wait(600)
    behind = [crew.submit(groups.job) for _ in range(5)]
    go_on.set()
    assert first.result(600)
    assert [each.result(600) for each in behind] == [1] * 5
    assert groups.sizes in ([0, 5], [0, 5, 0])
    crew.close()


def test_who_came_together_is_waited_for_together(monkeypatch: pytest.MonkeyPatch) -> None:
    groups = Groups()
    monkeypatch.setattr("serving.crew.LINGER_S", 600.0)
    crew, begun, go_on = Crew("test", groups.together), Event(), Event()
    asked = [crew.submit(lambda: there(begun.set() or go_on.wait(600)))]
    assert begun.wait(600)
    asked += [crew.submit(groups.job) for _ in range(3)]
    go_on.set()
    assert all(each.result(600) for each in asked)
    again = [crew.submit(groups.job) for _ in range(2)]
    assert not again[0].wait(0.05)
    again.append(crew.submit(groups.job))
    assert [each.result(600) for each in again] == [1] * 3
    assert groups.sizes == [0, 3, 3]
    crew.close()


def test_who_comes_alone_where_several_came_before_is_not_kept_waiting_for_long() -> None:
    crew, begun, go_on = Crew("test"), Event(), Event()
    asked = [crew.submit(lambda: there(begun.set() or go_on.wait(600)))]
    assert begun.wait(600)
    asked += [crew.submit(lambda: there(True)) for _ in range(3)]
    go_on.set()
    assert all(each.result(600) for each in asked)
    for _ in range(2):
        assert crew.submit(lambda: there(True)).wait(1.0)
    crew.close()


def test_a_crew_that_is_used_again_after_it_was_closed_finds_who_waits() -> None:
    crew = Crew("test")
    for _ in range(100):
        for _ in range(4):
            assert crew.submit(lambda: there(True)).wait(2.0)
        crew.close()


def test_what_is_waited_for_ends_with_the_crew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("serving.crew.LINGER_S", 600.0)
    crew, begun, go_on, threads = Crew("test"), Event(), Event(), list[Thread]()
    asked = [crew.submit(lambda: there(begun.set() or go_on.wait(600)))]
    assert begun.wait(600)
    asked += [crew.submit(lambda: there(threads.append(current_thread()) is None)) for _ in range(3)]
    go_on.set()
    assert all(each.result(600) for each in asked)
    alone = crew.submit(lambda: there(True))
    crew.close()
    threads[0].join(600)
    assert not threads[0].is_alive()
    assert not alone.done()


def test_where_no_thread_can_be_started_the_next_job_finds_one(monkeypatch: pytest.MonkeyPatch) -> None:
    start, refused = Thread.start, list[Thread]()

    def refuse(thread: Thread) -> None:
        if not refused:
            refused.append(thread)
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(Thread, "start", refuse)
    crew, done = Crew("test"), list[str]()
    with pytest.raises(RuntimeError, match="can't start"):
        crew.submit(lambda: there(done.append("first")))
    crew.submit(lambda: there(done.append("second"))).result(600)
    assert done == ["second"]
    crew.close()


def test_where_no_thread_can_take_over_what_waits_goes_on_waiting(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(_: Thread) -> None:
        raise RuntimeError("can't start new thread")

    crew, hold = Crew("test"), Event()
    stuck = crew.submit(lambda: there(hold.wait(600)))
    time.sleep(2 * PATIENCE_S)
    monkeypatch.setattr(Thread, "start", refuse)
    behind = crew.submit(lambda: there(1))
    crew.relieve()
    assert "no thread can be started" in caplog.text
    hold.set()
    assert (stuck.result(600), behind.result(600)) == (True, 1)
    crew.close()


def test_what_came_of_jobs_before_one_that_is_held_up_is_hurried() -> None:
    hurried, begun, go_on = Event(), Event(), Event()
    crew = Crew("test", hurry=hurried.set)
    crew.submit(lambda: there(begun.set() or go_on.wait(600)))
    assert begun.wait(600)
    crew.relieve()
    assert hurried.is_set()
    go_on.set()
    crew.close()


def test_what_waiting_jobs_are_about_is_told_before_they_are_begun() -> None:
    told, begun, go_on = list[list[object]](), Event(), Event()
    crew = Crew("test", ahead=lambda about: told.append(list(about)))
    first = crew.submit(lambda: there(begun.set() or go_on.wait(600)), "alone")
    assert begun.wait(600)
    seen = [crew.submit(lambda: there(len(told)), about) for about in ("a", None, "b")]
    go_on.set()
    assert first.result(600)
    assert [each.result(600) for each in seen] == [1, 1, 1]
    assert told == [["a", "b"]]
    assert crew.submit(lambda: there(len(told)), "alone").result(600) == 1
    crew.close()


def test_where_looking_ahead_is_held_up_another_thread_does_all_jobs_without() -> None:
    begun, go_on, held, hold, looked = Event(), Event(), Event(), Event(), list[int]()

    def ahead(about: Sequence[object]) -> None:
        looked.append(len(about))
        held.set()
        hold.wait(600)

    crew = Crew("test", ahead=ahead)
    crew.submit(lambda: there(begun.set() or go_on.wait(600)))
    assert begun.wait(600)
    behind = [crew.submit(lambda number=number: there(number), number) for number in range(5)]  # type: ignore[misc]
    go_on.set()
    assert held.wait(600)
    time.sleep(2 * PATIENCE_S)
    crew.relieve()
    assert [each.result(600) for each in behind] == list(range(5))
    assert looked == [5]
    hold.set()
    assert crew.submit(lambda: there(1)).result(600) == 1
    crew.close()


def test_where_looking_ahead_fails_the_jobs_are_done_without(caplog: pytest.LogCaptureFixture) -> None:
    begun, go_on = Event(), Event()

    def ahead(about: Sequence[object]) -> None:
        raise TypeError(f"{len(about)} cannot be told")

    crew = Crew("test", ahead=ahead)
    crew.submit(lambda: there(begun.set() or go_on.wait(600)))
    assert begun.wait(600)
    behind = [crew.submit(lambda number=number: there(number), number) for number in range(5)]  # type: ignore[misc]
    go_on.set()
    assert [each.result(600) for each in behind] == list(range(5))
    assert "5 cannot be told" in caplog.text
    crew.close()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_thread_that_fails_leaves_its_place_to_another() -> None:
    failed = list[Thread]()

    @contextmanager
    def together() -> Iterator[None]:
        if len(failed) < MOST:
            failed.append(current_thread())
            raise OSError("no room")
        yield

    crew, asked = Crew("test", together), list[Later[int]]()
    for number in range(MOST + 1):
        asked.append(crew.submit(lambda number=number: there(number)))  # type: ignore[misc]
        if number < MOST:
            while len(failed) <= number:
                time.sleep(0.001)
            failed[number].join()
    assert [each.result(600) for each in asked] == list(range(MOST + 1))
    crew.close()


def test_a_slow_look_ahead_is_for_all_that_was_looked_at() -> None:
    begun, go_on, looked = Event(), Event(), list[int]()

    def ahead(about: Sequence[object]) -> None:
        looked.append(len(about))
        time.sleep(2 * PATIENCE_S)

    crew = Crew("test", ahead=ahead)
    crew.submit(lambda: there(begun.set() or go_on.wait(600)))
    assert begun.wait(600)
    behind = [crew.submit(lambda number=number: there(number), number) for number in range(8)]  # type: ignore[misc]
    go_on.set()
    assert [each.result(600) for each in behind] == list(range(8))
    assert looked == [8]
    crew.close()
