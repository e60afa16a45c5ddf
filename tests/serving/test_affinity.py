"""The core that a process keeps to: who keeps to it, who does not, and when it goes to another one."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack
from itertools import count
from threading import Event, Thread
from time import monotonic, sleep

import pytest

from serving.affinity import ALLOWED, TAKEN, Core, Spent, anywhere, better, shares, spent

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux binds threads to cores")
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


def used_by_others(core: int) -> Callable[[], dict[int, Spent]]:
    """Tells of seconds that this core was busy in and all others were not, a thousand from one look to the next."""
    looks = count(1)

    def told() -> dict[int, Spent]:
        seconds = 1_000.0 * next(looks)
        return {each: Spent(seconds, 0.0) if each == core else Spent(0.0, seconds) for each in ALLOWED}

    return told


@several
def test_the_thread_and_those_it_starts_run_on_one_core_and_on_all_of_them_afterwards() -> None:
    with Core("a").kept():
        own = cores()
        assert len(own) == 1
        assert told_by_a_thread() == own
    assert cores() == told_by_a_thread() == ALLOWED


@several
def test_threads_that_were_there_before_run_on_all_cores() -> None:
    told, ask = list[frozenset[int]](), Event()

    def tell() -> None:
        ask.wait(10)
        told.append(cores())

    before = Thread(target=tell)
    before.start()
    with Core("b").kept():
        ask.set()
        before.join()
    assert told == [ALLOWED]


@several
def test_a_process_that_is_started_runs_on_all_cores() -> None:
    with Core("c").kept():
        own = cores()
        with anywhere():
            asked = subprocess.run(
                [sys.executable, "-c", "import os; print(sorted(os.sched_getaffinity(0)))"],
                capture_output=True,
                text=True,
                check=True,
            )
        assert asked.stdout.strip() == str(sorted(ALLOWED))
        assert cores() in (own, ALLOWED)


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
    with Core("e", told=used_by_others(used), look_s=0.01).kept():
        until = monotonic() + 60
        while cores() == {used} and monotonic() < until:
            sleep(0.01)
        assert len(cores()) == 1
        assert cores() != {used}
        assert told_by_a_thread() == cores()


def test_one_core_is_nothing_to_choose_from() -> None:
    with Core("f", allowed=(0,)).kept():
        assert cores() == ALLOWED


def test_what_others_use_is_what_is_busy_without_what_we_do() -> None:
    before = {0: Spent(10.0, 10.0), 1: Spent(5.0, 15.0)}
    now = {0: Spent(10.8, 10.2), 1: Spent(5.1, 15.9), 7: Spent(1.0, 0.0)}
    assert shares(before, now, {0: 0.5}) == pytest.approx({0: 0.3, 1: 0.1})


def test_a_core_that_stood_still_is_not_told_of() -> None:
    assert shares({0: Spent(1.0, 1.0)}, {0: Spent(1.0, 1.0)}, {}) == {}


def test_a_core_is_left_only_for_one_that_is_free_and_the_freest_comes_first() -> None:
    allowed = (0, 1, 2, 3)
    assert better(0, {0: TAKEN - 0.01, 1: 0.0}, allowed) == []
    assert better(0, {0: 0.9, 1: 0.5, 2: 0.3, 3: 0.4}, allowed) == []
    assert better(0, {0: 0.9, 1: 0.2, 2: 0.1, 3: 0.4, 4: 0.0}, allowed) == [2, 1]
    assert better(0, {}, allowed) == []


def test_the_system_tells_what_each_core_did() -> None:
    found = spent()
    assert found.keys() >= ALLOWED
    assert all(each.busy >= 0 and each.idle >= 0 for each in found.values())
