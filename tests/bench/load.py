"""A client that keeps connections busy, and what the server spent meanwhile."""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Measured:
    """One contender in one round."""

    per_second: float
    p50_ms: float
    p99_ms: float
    cpu_ms: float
    """CPU time of the server per answer, all of its processes together."""
    resident_mb: float
    failed: int
    """Answers other than 200."""


@dataclass(frozen=True, slots=True)
class Target:
    """What is asked: a running server, a path and the bodies of its requests, one after the other."""

    pid: int
    port: int
    path: str
    bodies: Sequence[bytes]


def on_one_core(target: Target) -> Target:
    """The same, kept to one core from now on, with every thread that it starts."""
    core = max(os.sched_getaffinity(0))
    for task in Path(f"/proc/{target.pid}/task").iterdir():
        os.sched_setaffinity(int(task.name), {core})
    return target


def ask(target: Target, connections: int, seconds: float) -> Measured:
    """Keep so many connections busy for so many seconds."""
    return asyncio.run(_ask(target, connections, seconds))


async def _ask(target: Target, connections: int, seconds: float) -> Measured:
    times_ms: list[float] = []
    before, started = cpu_s(target.pid), time.perf_counter()
    until = started + seconds
    failed = await asyncio.gather(*(_connection(target, until, times_ms) for _ in range(connections)))
    took, spent = time.perf_counter() - started, cpu_s(target.pid) - before
    ranked = sorted(times_ms)
    return Measured(
        per_second=len(ranked) / took,
        p50_ms=ranked[len(ranked) // 2],
        p99_ms=ranked[int(len(ranked) * 0.99)],
        cpu_ms=spent * 1_000 / len(ranked),
        resident_mb=sum(resident_mb(pid) for pid in _family(target.pid)),
        failed=sum(failed),
    )


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of a long run."""

    p99_ms: float
    """From when a request was due, so that waiting for a slow one before it counts."""
    resident_mb: float
    anonymous_mb: float
    """Of these, what stands in no file: pages of files that are read as memory go when others need the room."""
    answers: int
    failed: int


def pace(target: Target, connections: int, per_second: float, seconds: float, windows: int) -> list[Window]:
    """Ask so many times a second, whether or not answers come in time; what each of so many stretches was like."""
    return asyncio.run(_pace(target, connections, per_second, seconds, windows))


async def _pace(target: Target, connections: int, per_second: float, seconds: float, windows: int) -> list[Window]:
    lines = [await asyncio.open_connection(HOST, target.port) for _ in range(connections)]
    found, begun, each_s, nth = [], time.perf_counter(), seconds / windows, 0
    for window in range(windows):
        times_ms: list[float] = []
        failed = 0
        until = begun + (window + 1) * each_s

        async def keep(line: Line, until: float = until, times_ms: list[float] = times_ms) -> int:
            nonlocal nth
            bad = 0
            while (due := begun + nth / per_second) < until:
                nth += 1
                body = target.bodies[nth % len(target.bodies)]
                await asyncio.sleep(max(due - time.perf_counter(), 0))
                bad += not await _once(line, target.path, body)
                times_ms.append((time.perf_counter() - due) * 1_000)
            return bad

        failed = sum(await asyncio.gather(*(keep(line) for line in lines)))
        ranked = sorted(times_ms)
        family = _family(target.pid)
        resident, anonymous = (sum(map(of, family)) for of in (resident_mb, anonymous_mb))
        found.append(Window(ranked[int(len(ranked) * 0.99)], resident, anonymous, len(ranked), failed))
    for _, writer in lines:
        writer.close()
    return found


Line = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def _once(line: Line, path: str, body: bytes) -> bool:
    """One question over an open connection; whether it was answered with 200."""
    reader, writer = line
    writer.write(
        b"POST %b HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"
        % (path.encode(), len(body), body)
    )
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
    await reader.readexactly(length)
    return head.startswith(b"HTTP/1.1 200")


async def _connection(target: Target, until: float, times_ms: list[float]) -> int:
    """Ask one after the other over one connection; returns how many answers were not 200."""
    reader, writer = await asyncio.open_connection(HOST, target.port)
    failed = 0
    while time.perf_counter() < until:
        body = target.bodies[len(times_ms) % len(target.bodies)]
        started = time.perf_counter()
        answered = await _once((reader, writer), target.path, body)
        times_ms.append((time.perf_counter() - started) * 1_000)
        failed += not answered
    writer.close()
    return failed


def cpu_s(pid: int) -> float:
    """User and system time of a process and all it has started so far, seconds (Linux)."""
    ticks = 0
    for each in _family(pid):
        fields = _stat(each)
        ticks += int(fields[11]) + int(fields[12]) if fields else 0
    return ticks / os.sysconf("SC_CLK_TCK")


def _family(pid: int) -> list[int]:
    """A process and all below it."""
    parent = {int(p.name): int(f[1]) for p in Path("/proc").iterdir() if p.name.isdigit() and (f := _stat(int(p.name)))}
    found, rest = [pid], [pid]
    while rest:
        rest = [each for each, above in parent.items() if above in rest]
        found += rest
    return found


def _stat(pid: int) -> list[str]:
    """The fields after the name; empty for a process that is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def resident_mb(pid: int) -> float:
    fields = _stat(pid)
    return int(fields[21]) * os.sysconf("SC_PAGE_SIZE") / 1e6 if fields else 0.0


def anonymous_mb(pid: int) -> float:
    """Resident memory that stands in no file; 0 for a process that is gone (Linux)."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0.0
    return float(status.partition("RssAnon:")[2].split()[0]) * 1_024 / 1e6


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server((HOST, 0)) as taken:
        return int(taken.getsockname()[1])
