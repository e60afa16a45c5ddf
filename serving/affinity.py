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
from threading import Event, Lock, Thread, get_native_id
from time import process_time

from serving.core_use import Spent, Use, spent, uses

LOOK_S = 1.0
"""How long after one look at what others do on the cores comes the next."""
PASSES = 10
"""Looks at all threads at most until none is left behind: one that was not looked at yet may start another."""
TAKEN = 0.25
"""Share of a core's time from which on others are said to use it, and another core to have more room."""


class Core:
    """The core that a process keeps to. It goes to another one where others use it and that one is free.

    Where none is free, and others have more room, the process runs on all of them until one is. Processes of one
    service keep to different ones; those for which none is left run on all of them. They know of each other within one
    network namespace: those of several containers begin on the same core, and each leaves it once the others use it.
    """

    def __init__(
        self,
        service: str,
        allowed: Iterable[int] | None = None,
        told: Callable[[], Mapping[int, Spent]] | None = None,
        look_s: float = LOOK_S,
    ) -> None:
        """Keep to one of these cores.

        Args:
            service: The same for all its processes, and for no other of the machine.
            allowed: Those to choose from; None: all on which the thread may run that makes this.
            told: How each core has spent its time; None: as the system tells.
            look_s: How long after one look at that comes the next, more or less.
        """
        self._service, self._allowed = service, _where() if allowed is None else frozenset(allowed)
        self._told, self._look_s = told or spent, look_s
        self._claim: socket.socket | None = None
        self._over = Event()
        self._moving = Lock()
        """Guards what follows."""
        self._core: int | None = None
        """Where the threads that answer run now; None: on all that are allowed."""
        self._apart = set[int]()
        """Threads that run on all, wherever those are that answer."""
        self._keeping = False
        """Whether it is kept to a core, or looked for one."""

    @contextmanager
    def kept(self) -> Iterator[None]:
        """This thread runs on one core meanwhile, and so does whatever it starts."""
        with self._moving:
            self._apart, self._keeping = _threads() - {get_native_id()}, len(self._allowed) > 1
        if not self._keeping or not self._go_to(sorted(self._allowed, reverse=True)):  # interrupts use the first
            self._keeping = False
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
            self._go_to_all()
            self._let_go()
            self._keeping = False

    @contextmanager
    def anywhere(self) -> Iterator[None]:
        """A process that this thread starts meanwhile may run on every core."""
        me = get_native_id()
        with self._moving:
            ours = self._keeping and me not in self._apart and _where() == self._cores()
            if ours:
                self._apart.add(me)
                _bind(self._allowed)
        try:
            yield
        finally:
            if ours:
                with self._moving:
                    self._apart.discard(me)
                    _bind(self._cores())

    def _look_round(self) -> None:
        before, own = self._told(), process_time()
        while not self._over.wait(uniform(0.5, 1.5) * self._look_s):  # of two that meet, one is the first to leave
            now, used = self._told(), process_time()
            cores = self._cores()
            use = uses(before, now, dict.fromkeys(cores, (used - own) / len(cores)))
            if not self._go_to(better(self._core, use, self._allowed)) and cramped(self._core, use, self._allowed):
                self._go_to_all()
            before, own = now, used

    def _go_to(self, cores: Iterable[int]) -> bool:
        """Keep to the first of these that no other process of the service keeps to; whether there was one."""
        for core in cores:
            claim = _claimed(f"kairos {self._service} core {core}")
            if claim is None:
                continue
            if not self._move(core):
                claim.close()
                return False
            self._let_go()
            self._claim = claim
            return True
        return False

    def _go_to_all(self) -> None:
        if self._move(None):
            self._let_go()

    def _move(self, core: int | None) -> bool:
        """Have all threads that run where those are that answer run there, and whatever they start.

        False where the system forbids it.
        """
        with self._moving:
            before, was = self._cores(), self._core
            self._core = core
            try:
                for _ in range(PASSES):
                    if not _moved(_threads() - self._apart, before, self._cores()):
                        break
            except OSError:  # a sandbox may forbid it
                self._core = was
                return False
            return True

    def _cores(self) -> frozenset[int]:
        return self._allowed if self._core is None else frozenset({self._core})

    def _let_go(self) -> None:
        claim, self._claim = self._claim, None
        if claim is not None:
            claim.close()


def better(core: int | None, use: Mapping[int, Use], allowed: Iterable[int]) -> list[int]:
    """Cores that others leave alone, the freest first; none where others leave ours alone.

    Args:
        core: Ours; None: all.
        use: By core.
        allowed: Those to choose from.
    """
    if core is not None and not _taken(core, use):
        return []
    return sorted(
        (each for each in allowed if each in use and not _taken(each, use)), key=lambda each: use[each].others
    )


def cramped(core: int | None, use: Mapping[int, Use], allowed: Iterable[int]) -> bool:
    """Whether others use our core, and there is more room on another one; ``core`` as in ``better``."""
    if core is None or not _taken(core, use):
        return False
    return any(use[each].idle >= use[core].idle + TAKEN for each in allowed if each in use)


def _taken(core: int, use: Mapping[int, Use]) -> bool:
    return core in use and use[core].others >= TAKEN


def _where() -> frozenset[int]:
    """The cores on which this thread may run; empty where the system cannot bind threads to some."""
    return frozenset(os.sched_getaffinity(0)) if sys.platform == "linux" else frozenset()


def _threads() -> set[int]:
    """Those of this process; this one alone where the system does not tell."""
    try:
        return {int(task.name) for task in Path("/proc/self/task").iterdir()}
    except OSError:
        return {get_native_id()}


def _bind(cores: frozenset[int]) -> None:
    """Have this thread run on these."""
    with suppress(OSError):  # a sandbox may forbid it
        os.sched_setaffinity(0, cores)


def _moved(threads: Iterable[int], before: frozenset[int], cores: frozenset[int]) -> bool:
    """Have those of these threads that run on the cores of before run on others; whether there were some."""
    found = False
    for thread in threads:
        with suppress(ProcessLookupError):  # it has ended
            if before != cores and os.sched_getaffinity(thread) == before:
                os.sched_setaffinity(thread, cores)
                found = True
    return found


def _claimed(name: str) -> socket.socket | None:
    """A name that is ours until this is closed; None where another process has it (man 7 unix)."""
    claim = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        claim.bind(f"\0{name}")
    except OSError:
        claim.close()
        return None
    return claim
