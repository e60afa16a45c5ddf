"""Which cores the threads of a process run on: those that answer, on one.

They take turns at one interpreter. Spread over cores, each turn wakes another core and finds its caches cold: a
decision then takes more of the processors' time (``kairos_all_cores`` in ``make bench``). Where the system cannot bind
threads to cores, or gives but one of them, nothing is done.
"""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from random import uniform
from threading import Event, Thread
from time import process_time
from typing import NamedTuple

LOOK_S = 1.0
"""How long after one look at what others do on the cores comes the next."""
PASSES = 10
"""Looks at all threads at most until none is left behind: one that was not looked at yet may start another."""
TAKEN = 0.25
"""Share of a core's time from which on others are said to use it."""
_LINUX = sys.platform == "linux"
ALLOWED = frozenset(os.sched_getaffinity(0)) if _LINUX else frozenset[int]()
"""Cores on which this process may run; looked at before it keeps to one of them."""


class Spent(NamedTuple):
    """How a core has spent its time so far, seconds."""

    busy: float
    idle: float


class Core:
    """The core that a process keeps to. It goes to another one where others use it and that one is free.

    Processes of one service keep to different ones; those for which none is left run on all of them.
    """

    def __init__(
        self,
        service: str,
        allowed: Iterable[int] = ALLOWED,
        told: Callable[[], Mapping[int, Spent]] | None = None,
        look_s: float = LOOK_S,
    ) -> None:
        """Keep to one of these cores.

        Args:
            service: The same for all its processes, and for no other of the machine.
            told: How each core has spent its time; None: as the system tells.
            look_s: How long after one look at that comes the next, more or less.
        """
        self._service, self._allowed = service, frozenset(allowed)
        self._told, self._look_s = told or spent, look_s
        self._claim: socket.socket | None = None
        self._core = -1
        self._over = Event()

    @contextmanager
    def kept(self) -> Iterator[None]:
        """This thread runs on one core meanwhile, and so does whatever it starts."""
        if len(self._allowed) < 2 or not self._go_to(sorted(self._allowed, reverse=True)):  # interrupts use the first
            yield
            return
        self._over.clear()
        looking = Thread(target=self._look_round, name="core", daemon=True)
        looking.start()
        try:
            yield
        finally:
            self._over.set()
            looking.join()
            with suppress(OSError):
                _move(self._core, self._allowed)
            self._core = -1
            self._let_go()

    def _look_round(self) -> None:
        before, own = self._told(), process_time()
        while not self._over.wait(uniform(0.5, 1.5) * self._look_s):  # of two that meet, one is the first to leave
            now, used = self._told(), process_time()
            self._go_to(better(self._core, shares(before, now, {self._core: used - own}), self._allowed))
            before, own = now, used

    def _go_to(self, cores: Iterable[int]) -> bool:
        """Keep to the first of these that no other process of the service keeps to; whether there was one."""
        for core in cores:
            claim = _claimed(f"kairos {self._service} core {core}")
            if claim is None:
                continue
            try:
                if self._core < 0:
                    os.sched_setaffinity(0, {core})
                else:
                    _move(self._core, {core})
            except OSError:  # a sandbox may forbid it
                claim.close()
                return False
            self._let_go()
            self._claim, self._core = claim, core
            return True
        return False

    def _let_go(self) -> None:
        claim, self._claim = self._claim, None
        if claim is not None:
            claim.close()


@contextmanager
def anywhere() -> Iterator[None]:
    """A process that this thread starts meanwhile may run on every core."""
    own = os.sched_getaffinity(0) if _LINUX else ALLOWED
    if own == ALLOWED:
        yield
        return
    with suppress(OSError):  # a sandbox may forbid it
        os.sched_setaffinity(0, ALLOWED)
    try:
        yield
    finally:
        with suppress(OSError):
            os.sched_setaffinity(0, os.sched_getaffinity(os.getpid()))  # the first thread's, which may have moved


def better(core: int, used: Mapping[int, float], allowed: Iterable[int]) -> list[int]:
    """Cores that others use less, the freest first; none where others leave ours alone.

    Args:
        used: By core, the share of its time that others use.
        allowed: Those to choose from.
    """
    if used.get(core, 0.0) < TAKEN:
        return []
    return sorted((each for each in allowed if used.get(each, 1.0) < TAKEN), key=used.__getitem__)


def shares(before: Mapping[int, Spent], now: Mapping[int, Spent], own: Mapping[int, float]) -> dict[int, float]:
    """By core, the share of its time in which others were at work; ``own`` is how many seconds we were."""
    found = {}
    for core, (busy, idle) in now.items():
        was = before.get(core)
        if was is not None and (whole := busy + idle - was.busy - was.idle) > 0:
            found[core] = (busy - was.busy - own.get(core, 0.0)) / whole
    return found


def spent() -> dict[int, Spent]:
    """How each core has spent its time (man 5 proc_stat); empty where it is not told."""
    tick, found = os.sysconf("SC_CLK_TCK"), {}
    try:
        lines = Path("/proc/stat").read_text(encoding="ascii").splitlines()
    except OSError:
        return {}
    for line in lines:
        name, *ticks = line.split()
        if name.startswith("cpu") and name[3:].isdigit():
            user, nice, system, idle, waiting, *more = (int(each) / tick for each in ticks[:8])
            found[int(name[3:])] = Spent(user + nice + system + sum(more), idle + waiting)
    return found


def _move(core: int, cores: Iterable[int]) -> None:
    """Have all threads that keep to this core run on these, and whatever they start."""
    for _ in range(PASSES):
        moved = False
        for task in Path("/proc/self/task").iterdir():
            with suppress(ProcessLookupError):  # it has ended
                if os.sched_getaffinity(int(task.name)) == {core}:
                    os.sched_setaffinity(int(task.name), cores)
                    moved = True
        if not moved:
            return


def _claimed(name: str) -> socket.socket | None:
    """A name that is ours until this is closed; None where another process has it (man 7 unix)."""
    claim = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        claim.bind(f"\0{name}")
    except OSError:
        claim.close()
        return None
    return claim
