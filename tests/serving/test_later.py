"""Results that come later."""

from __future__ import annotations

from threading import Barrier, Thread

import pytest

from serving.later import Later, after, there


def test_everybody_is_called_once_whether_the_result_came_before_or_comes_later() -> None:
    later, heard = Later[int](), list[str]()
    later.add_done_callback(lambda found: heard.append(f"before {found.result()}"))
    assert not later.done()
    assert not heard
    later.set_result(1)
    later.add_done_callback(lambda found: heard.append(f"after {found.result()}"))
    assert heard == ["before 1", "after 1"]


def test_nobody_is_left_out_or_called_twice_where_two_threads_meet() -> None:
    for _ in range(2_000):
        later, heard, start = Later[int](), list[int](), Barrier(2)

        def bring(later: Later[int] = later, start: Barrier = start) -> None:
            start.wait(60)
            later.set_result(1)

        other = Thread(target=bring)
        other.start()
        start.wait(60)
        for number in range(5):
            later.add_done_callback(lambda _, number=number, heard=heard: heard.append(number))  # type: ignore[misc]
        other.join(60)
        assert sorted(heard) == list(range(5))


def test_who_waits_gets_the_result_or_what_it_failed_with_or_is_told_that_time_is_over() -> None:
    later, bad = Later[int](), Later[int]()
    assert not later.wait(0.001)
    with pytest.raises(TimeoutError):
        later.result(0.001)
    Thread(target=later.set_result, args=(7,)).start()
    assert later.result(60) == 7
    assert later.exception() is None
    bad.set_exception(ValueError("bad"))
    assert isinstance(bad.exception(), ValueError)
    with pytest.raises(ValueError, match="bad"):
        bad.result(60)


def test_one_who_cannot_take_it_does_not_keep_it_from_the_others(caplog: pytest.LogCaptureFixture) -> None:
    later, heard = Later[int](), list[int]()
    later.add_done_callback(lambda found: found.result() // 0)
    later.add_done_callback(lambda found: heard.append(found.result()))
    later.set_result(1)
    assert heard == [1]
    assert "could not take it" in caplog.text


def test_what_is_made_of_a_result_fails_where_the_first_fails_or_the_making() -> None:
    assert after(there(2), lambda found: found.result() + 1).result() == 3
    assert isinstance(after(there(0), lambda found: 1 // found.result()).exception(), ZeroDivisionError)
    bad: Later[int] = Later()
    made = after(bad, lambda found: found.result())
    bad.set_exception(ValueError("bad"))
    assert isinstance(made.exception(), ValueError)
