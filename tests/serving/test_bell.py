"""What wakes an event loop for other threads."""

from __future__ import annotations

import asyncio
import weakref
from threading import Thread
from typing import Any

from serving.bell import Bell
from serving.later import Later, there


def rings(bell: Bell, answer: Later[Any], seconds: float | None) -> asyncio.Future[None]:
    """Done when the bell has told."""
    woken = bell.loop.create_future()
    bell.rings(answer, seconds, lambda: woken.set_result(None))
    return woken


class Counting(asyncio.SelectorEventLoop):
    """Counts how often other threads woke it."""

    woken = 0

    def call_soon_threadsafe(self, *args: Any, **more: Any) -> asyncio.Handle:
        self.woken += 1
        return super().call_soon_threadsafe(*args, **more)


def test_whoever_comes_before_the_loop_has_looked_comes_along_without_waking_it_again() -> None:
    answers = [Later[int]() for _ in range(100)]

    async def ask() -> None:
        bell = Bell(asyncio.get_running_loop())
        waiting = [rings(bell, answer, 60.0) for answer in answers]
        other = Thread(target=lambda: [answer.set_result(1) for answer in answers])
        other.start()
        other.join(60)
        await asyncio.gather(*waiting)

    with asyncio.Runner(loop_factory=Counting) as runner:
        runner.run(ask())
        loop = runner.get_loop()
        assert isinstance(loop, Counting)
        assert loop.woken == 1


def test_whoever_is_late_is_waited_for_no_longer_than_asked_and_the_first_that_is_due_first() -> None:
    async def ask() -> list[str]:
        bell, order = Bell(asyncio.get_running_loop()), list[str]()
        never: Later[int] = Later()
        there_already, endless = there(1), Later[int]()

        async def wait(name: str, answer: Later[int], seconds: float | None) -> None:
            await rings(bell, answer, seconds)
            order.append(name)

        last = asyncio.create_task(wait("endless", endless, None))
        await asyncio.gather(
            wait("late", never, 0.08),
            wait("later", never, 0.12),
            wait("first", never, 0.04),
            wait("there", there_already, 60),
        )
        assert not last.done()
        endless.set_result(1)
        await last
        return order

    assert asyncio.run(ask()) == ["there", "first", "late", "later", "endless"]


def test_what_comes_after_its_time_or_after_the_loop_has_ended_disturbs_nobody() -> None:
    slow, slower = Later[int](), Later[int]()

    async def ask() -> None:
        bell = Bell(asyncio.get_running_loop())
        await rings(bell, slow, 0.01)
        slow.set_result(1)
        rings(bell, slower, 60.0)
        await asyncio.sleep(0.01)

    asyncio.run(ask())
    slower.set_result(1)
    assert slower.done()


def test_who_fails_at_being_told_keeps_nobody_else_from_it() -> None:
    async def ask() -> list[int]:
        loop, told, failures = asyncio.get_running_loop(), list[int](), list[Any]()
        loop.set_exception_handler(lambda _, context: failures.append(context["exception"]))
        bell = Bell(loop)
        bell.rings(there(0), None, lambda: 1 // 0)
        bell.rings(there(1), None, lambda: told.append(1))
        await rings(bell, there(2), None)
        assert [type(each) for each in failures] == [ZeroDivisionError]
        return told

    assert asyncio.run(ask()) == [1]


def test_who_was_told_is_not_kept_until_the_time_would_have_been_over() -> None:
    class Answer:
        """Something large."""

    async def ask() -> None:
        bell, answer = Bell(asyncio.get_running_loop()), Answer()
        never: Later[int] = Later()
        bell.rings(never, 30.0, lambda: None)
        for _ in range(100):
            found = there(answer)
            await rings(bell, found, 60.0)
            kept = weakref.ref(answer)
            del found
        del answer
        assert kept() is None

    asyncio.run(ask())
