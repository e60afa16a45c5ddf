"""The core that a process keeps to: who keeps to it, who does not, and when it goes to another one."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from threading import Event, Thread
from time import monotonic, sleep

import pytest

from serving.affinity import TAKEN, Core, better, cramped
from serving.core_use import Spent, Use, spent, uses

if sys.platform != "linux":
    pytest.skip("only Linux binds threads to cores", allow_module_level=True)
ALLOWED = frozenset(os.sched_getaffinity(0))
several = pytest.mark.skipif(len(ALLOWED) < 2, reason="there is but one core")


def cores() -> frozenset[int]:
    """Those of this thread."""
    return frozenset(os.sched_getaffinity(0))


def told_by_a_thread() -> frozenset[int]:
    """Those of a thread that is started here."""
    told = []
    thread = Thread(target=lambda: told.append(cores()))
    thread.start()
    thread.join()
    return told[0]


@contextmanager
def a_thread() -> Iterator[Callable[[], frozenset[int]]]:
    """Tells the cores of a thread that is there meanwhile."""
    over = Event()
    thread = Thread(target=over.wait)
    thread.start()
    number = thread.native_id
    assert number is not None
    try:
        yield lambda: frozenset(os.sched_getaffinity(number))
    finally:
        over.set()
        thread.join()


class Others:
    """Tells of what others use of each core; of nothing else on those that are left out."""

    def __init__(self, used: Mapping[int, float]) -> None:
        self.used = used
        self._spent = dict.fromkeys(ALLOWED, Spent(0.0, 0.0))

    def __call__(self) -> dict[int, Spent]:
        for core, (busy, idle) in self._spent.items():
            share = self.used.get(core, 0.0)  # of a thousand seconds, of which we hardly use any
            self._spent[core] = Spent(busy + 1_000.0 * share, idle + 1_000.0 * (1 - share))
        return dict(self._spent)


def comes_true(held: Callable[[], bool]) -> bool:
    """Whether it does within a minute."""
    until = monotonic() + 60
    while not held() and monotonic() < until:
        sleep(0.01)
    return held()


@several
def test_the_thread_and_those_it_starts_run_on_one_core_and_on_all_of_them_afterwards() -> None:
    with Core("a").kept():
        own = cores()
        assert len(own) == 1
        assert told_by_a_thread() == own
    assert cores() == told_by_a_thread() == ALLOWED


@several
def test_threads_that_were_there_before_run_on_all_cores() -> None:
    with a_thread() as before, Core("b").kept():
        assert before() == ALLOWED


@several
def test_a_process_that_is_started_runs_on_all_cores() -> None:
    core = Core("c", told=Others({}))
    with core.kept():
        own = cores()
        with core.anywhere():
            asked = subprocess.run(
                [sys.executable, "-c", "import os; print(sorted(os.sched_getaffinity(0)))"],
                capture_output=True,
                text=True,
                check=True,
            )
        assert asked.stdout.strip() == str(sorted(ALLOWED))
        assert len(own) == 1
        assert cores() == own


@several
def test_a_thread_that_starts_a_process_meanwhile_goes_with_the_others_afterwards() -> None:
    used, others = max(ALLOWED), Others({})
    core = Core("g", told=others, look_s=0.01)
    with core.kept(), a_thread() as ours:
        assert ours() == {used}
        with core.anywhere():
            others.used = {used: 0.9}
            assert comes_true(lambda: ours() != {used})
            assert cores() == ALLOWED
        assert cores() == ours() != ALLOWED


@several
def test_a_thread_that_starts_a_process_while_the_service_begins_stays_apart() -> None:
    core, begun, go_on, found = Core("j", told=Others({})), Event(), Event(), list[frozenset[int]]()

    def background() -> None:
        with core.anywhere():
            begun.set()
            assert go_on.wait(60)
        found.append(cores())

    thread = Thread(target=background)
    thread.start()
    assert begun.wait(60)
    with core.kept():
        go_on.set()
        thread.join()
        assert cores() != ALLOWED
    assert found == [ALLOWED]


@several
def test_processes_of_a_service_keep_to_different_cores_and_those_too_many_to_none() -> None:
    with ExitStack() as all_of_them:
        found = list[frozenset[int]]()
        for _ in range(len(ALLOWED) + 1):
            all_of_them.enter_context(Core("d").kept())
            found.append(cores())
            os.sched_setaffinity(0, ALLOWED)
        assert sorted(found[:-1], key=sorted) == [{core} for core in sorted(ALLOWED)]
        assert found[-1] == ALLOWED


@several
def test_it_leaves_a_core_that_another_process_uses() -> None:
    used = max(ALLOWED)
    with Core("e", told=Others({used: 1.0}), look_s=0.01).kept():
        assert comes_true(lambda: cores() != {used})
        assert len(cores()) == 1
        assert told_by_a_thread() == cores()


@several
def test_where_others_use_all_cores_and_ours_the_most_it_runs_on_all_until_one_is_free() -> None:
    used, free = max(ALLOWED), min(ALLOWED)
    others = Others(dict.fromkeys(ALLOWED, 0.3) | {used: 0.9})
    with a_thread() as before, Core("h", told=others, look_s=0.01).kept():
        assert comes_true(lambda: cores() == ALLOWED)
        with a_thread() as meanwhile:
            assert told_by_a_thread() == ALLOWED
            others.used = dict.fromkeys(ALLOWED, 0.3) | {free: 0.0}
            assert comes_true(lambda: cores() == {free})
            assert comes_true(lambda: meanwhile() == {free})
            assert told_by_a_thread() == {free}
            assert before() == ALLOWED
    assert cores() == told_by_a_thread() == ALLOWED


@several
def test_a_process_that_is_started_while_it_runs_on_all_cores_may_go_on_to() -> None:
    used, free = max(ALLOWED), min(ALLOWED)
    others = Others(dict.fromkeys(ALLOWED, 0.3) | {used: 0.9})
    core = Core("i", told=others, look_s=0.01)
    with core.kept():
        assert comes_true(lambda: cores() == ALLOWED)
        with a_thread() as ours:
            with core.anywhere():
                others.used = dict.fromkeys(ALLOWED, 0.3) | {free: 0.0}
                assert comes_true(lambda: ours() == {free})
                assert cores() == ALLOWED
            assert cores() == {free}


def test_one_core_is_nothing_to_choose_from() -> None:
    with Core("f", allowed=(0,)).kept():
        assert cores() == ALLOWED


def test_what_others_use_is_what_is_busy_without_what_we_do() -> None:
    before = {0: Spent(10.0, 10.0), 1: Spent(5.0, 15.0)}
    now = {0: Spent(10.8, 10.2), 1: Spent(5.1, 15.9), 7: Spent(1.0, 0.0)}
    found = uses(before, now, {0: 0.5})
    assert found.keys() == {0, 1}
    assert found[0] == pytest.approx(Use(others=0.3, idle=0.2))
    assert found[1] == pytest.approx(Use(others=0.1, idle=0.9))


def test_a_core_that_stood_still_is_not_told_of() -> None:
    assert uses({0: Spent(1.0, 1.0)}, {0: Spent(1.0, 1.0)}, {}) == {}


def used(*others: float) -> dict[int, Use]:
    """Cores from 0 of which others use these shares, and we nothing."""
    return {core: Use(share, 1.0 - share) for core, share in enumerate(others)}


def test_a_core_is_left_for_one_that_is_free_and_the_freest_comes_first() -> None:
    allowed = (0, 1, 2, 3)
    assert better(0, used(TAKEN - 0.01, 0.0), allowed) == []
    assert better(0, used(0.9, 0.5, 0.3, 0.4), allowed) == []
    assert better(0, used(0.9, 0.2, 0.1, 0.4, 0.0), allowed) == [2, 1]
    assert better(0, {}, allowed) == []


def test_whoever_runs_on_all_cores_goes_to_one_that_is_free() -> None:
    assert better(None, used(0.9, 0.2, 0.1, 0.4, 0.0), (0, 1, 2, 3)) == [2, 1]
    assert better(None, used(0.3, 0.3, 0.3, 0.9), (0, 1, 2, 3)) == []


def test_a_core_is_too_small_where_others_use_it_and_there_is_more_room_elsewhere() -> None:
    allowed = (0, 1, 2, 3)
    assert cramped(3, used(0.3, 0.3, 0.3, 0.9), allowed)
    assert not cramped(0, used(0.3, 0.3, 0.3, 0.9), allowed)  # all the room that there is
    assert cramped(0, used(0.3, 0.3, 0.3, 0.9) | {0: Use(0.3, 0.0)}, allowed)  # which we need
    assert not cramped(0, {core: Use(0.3, 0.0) for core in allowed}, allowed)  # there is no room anywhere
    assert not cramped(0, used(TAKEN - 0.01, 0.0) | {0: Use(TAKEN - 0.01, 0.0)}, allowed)  # it is ours
    assert not cramped(3, used(0.3, 0.3, 0.3, 0.9) | {4: Use(0.0, 1.0)}, (3,))
    assert not cramped(None, used(0.9, 0.0), allowed)


def test_the_system_tells_what_each_core_did() -> None:
    found = spent()
    assert found.keys() >= ALLOWED
    assert all(each.busy >= 0 and each.idle >= 0 for each in found.values())
